//! The output of the processes of a run. It is kept if something was found.

use tempfile::TempDir;

use crate::report;

/// A folder with a file for each start of a process.
pub struct Logs(pub TempDir);

impl Logs {
    pub fn create() -> Logs {
        Logs(tempfile::Builder::new().prefix("items-faults-logs-").tempdir().expect("create a folder for logs"))
    }

    /// Leaves the folder where it is and prints its path.
    pub fn keep(&mut self) {
        self.0.disable_cleanup(true);
        report(&format!("the hosts' logs are kept in {}", self.0.path().display()));
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.keep();
        }
    }
}
