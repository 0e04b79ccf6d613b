//! The clock that PostgreSQL and the hosts see, which can be stepped while they run: libfaketime.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The variant for programs with threads: it locks, and holds signals back meanwhile.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

pub struct Clock {
    library: PathBuf,
    folder: TempDir,
}

impl Clock {
    /// The real time, until it is stepped.
    ///
    /// # Panics
    /// Without libfaketime.
    pub fn real() -> Clock {
        let folders = fs::read_dir("/usr/lib").expect("read /usr/lib").flatten().map(|entry| entry.path());
        let library = folders
            .chain(["/usr/lib".into(), "/usr/lib64".into(), "/usr/local/lib".into()])
            .map(|folder| folder.join(LIBRARY));
        let library = library.into_iter().find(|file| file.exists());
        let library = library.expect("libfaketime is missing; fix: scripts/install-packages.sh faketime:faketime");
        let everybody = fs::Permissions::from_mode(0o755);
        let folder = tempfile::Builder::new().prefix("items-clock-").permissions(everybody).tempdir();
        let clock = Clock { library, folder: folder.expect("make a folder for the clock") };
        clock.step(0);
        clock
    }

    /// What a program needs in its environment to see this clock. Only the time of day is stepped: intervals stay true.
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

    /// Sets it so many hours ahead of the real time, or behind it.
    pub fn step(&self, hours: i32) {
        let draft = self.folder.path().join("draft");
        fs::write(&draft, format!("{hours:+}h\n")).expect("write the clock");
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o644)).expect("let everybody read the clock");
        fs::rename(draft, self.file()).expect("set the clock");
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("clock")
    }
}
