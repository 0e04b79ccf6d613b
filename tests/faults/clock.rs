//! The clock of PostgreSQL and the hosts, which can be stepped while they run: libfaketime.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The variant for programs with threads: it takes locks, and blocks signals meanwhile.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// Keeps its offset in a file that libfaketime reads.
pub struct Clock {
    library: PathBuf,
    folder: TempDir,
}

impl Clock {
    /// A clock with the real time. Needs libfaketime.
    pub fn real() -> Clock {
        let folders = fs::read_dir("/usr/lib").expect("read /usr/lib").flatten().map(|entry| entry.path());
        let library = folders
            .chain(["/usr/lib".into(), "/usr/lib64".into(), "/usr/local/lib".into()])
            .map(|folder| folder.join(LIBRARY));
        let library = library.into_iter().find(|file| file.exists());
        let library = library.expect("libfaketime is missing; fix: scripts/install-packages.sh faketime:faketime");
        let everybody = fs::Permissions::from_mode(0o755);
        let folder = tempfile::Builder::new().prefix("items-clock-").permissions(everybody).tempdir();
        let clock = Clock { library, folder: folder.expect("create a folder for the clock") };
        clock.step(0);
        clock
    }

    /// The environment in which a program sees this clock. Only the time of day is stepped; intervals stay correct.
    pub fn environment(&self) -> Vec<(String, String)> {
        let variable = |name: &str, value: &Path| (name.to_owned(), value.display().to_string());
        vec![
            variable("LD_PRELOAD", &self.library),
            variable("FAKETIME_TIMESTAMP_FILE", &self.file()),
            variable("FAKETIME_CACHE_DURATION", Path::new("1")),
            variable("FAKETIME_DONT_FAKE_MONOTONIC", Path::new("1")),
            variable("FAKETIME_DISABLE_SHM", Path::new("1")),
        ]
    }

    /// Sets it `hours` ahead of the real time, or behind it if they are negative.
    pub fn step(&self, hours: i32) {
        let draft = self.folder.path().join("draft");
        fs::write(&draft, format!("{hours:+}h\n")).expect("write the clock");
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o644)).expect("make the clock readable");
        fs::rename(draft, self.file()).expect("set the clock");
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("clock")
    }
}
