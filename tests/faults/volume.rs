//! A folder on a small file system of its own, which can be filled completely.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::report;

/// Enough for the write-ahead log of ten minutes.
const SIZE: &str = "1g";

/// Mounts the file system, and unmounts it when the pipe on standard input closes: that is when the test process ends,
/// however it ends.
const KEEPER: &str = r#"
trap '' INT TERM HUP
mount -t tmpfs -o size="$2",mode=1777 items-faults "$1" || exit 1
echo mounted
read -r _
tries=0
until umount "$1" || [ "$tries" -gt 300 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
rmdir "$1"
"#;

/// The folder for the data of a run's database.
pub struct Volume {
    folder: TempDir,
    keeper: Option<Child>,
}

impl Volume {
    /// A tmpfs if this process may mount one, otherwise a plain folder, which cannot be filled.
    pub fn create() -> Volume {
        let everybody = std::fs::Permissions::from_mode(0o755);
        let folder = tempfile::Builder::new().prefix("items-faults-").permissions(everybody).tempdir();
        let folder = folder.expect("create a folder for the database");
        let keeper =
            mount(folder.path()).map_err(|why| report(&format!("not run: a full disk of the database ({why})")));
        Volume { folder, keeper: keeper.ok() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Whether it is a file system of its own.
    pub fn can_be_filled(&self) -> bool {
        self.keeper.is_some()
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }

    /// Writes until no space is left, which must be the only error.
    pub fn fill(&self) {
        assert!(self.can_be_filled(), "this folder is not on a file system of its own");
        let mut file = File::create(self.filler()).or_else(|_| File::options().append(true).open(self.filler()));
        let file = file.as_mut().expect("open the filler");
        let outcome = io::copy(&mut io::repeat(0).take(1 << 40), file).expect_err("the disk is full in the end");
        assert_eq!(outcome.kind(), io::ErrorKind::StorageFull, "{outcome}");
    }

    /// Removes what [`Volume::fill`] wrote.
    pub fn free(&self) {
        // There may be nothing to free.
        let _ = std::fs::remove_file(self.filler());
    }
}

fn mount(folder: &Path) -> Result<Child, String> {
    let root = rustix::process::geteuid().is_root();
    let mut command = Command::new(if root { "sh" } else { "sudo" });
    if !root {
        command.args(["-n", "sh"]);
    }
    command.args(["-c", KEEPER, "keeper"]).arg(folder).arg(SIZE);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = child.map_err(|error| error.to_string())?;
    let mut line = String::new();
    let read = child.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
    if read.is_some_and(|read| read.is_ok()) && line == "mounted\n" {
        return Ok(child);
    }
    let _ = child.wait();
    Err("mounting a tmpfs needs root, or sudo without a password, and the right to mount".into())
}

impl Drop for Volume {
    fn drop(&mut self) {
        self.free();
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }
}
