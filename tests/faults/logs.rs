//! What the processes of a run say. It stays where something was found.

use tempfile::TempDir;

use crate::tell;

pub struct Logs(pub TempDir);

impl Logs {
    pub fn make() -> Logs {
        Logs(tempfile::Builder::new().prefix("items-faults-logs-").tempdir().expect("make a folder for logs"))
    }

    pub fn keep(&mut self) {
        self.0.disable_cleanup(true);
        tell(&format!("the hosts' logs stay in {}", self.0.path().display()));
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.keep();
        }
    }
}
