//! A folder on a small file system of its own, which can be filled to the last byte.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::tell;

/// Room for the write-ahead log of ten minutes.
const SIZE: &str = "1g";

/// Mounts, and takes the mount away when the test process ends, however it ends: then the pipe on standard input closes.
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

/// Where the database of a run keeps its data.
pub struct Volume {
    folder: TempDir,
    keeper: Option<Child>,
}

impl Volume {
    /// A tmpfs where we may mount one, else a plain folder, whose disk cannot be filled.
    pub fn make() -> Volume {
        let everybody = std::fs::Permissions::from_mode(0o755);
        let folder = tempfile::Builder::new().prefix("items-faults-").permissions(everybody).tempdir();
        let folder = folder.expect("make a folder for the database");
        let keeper = mount(folder.path()).map_err(|why| tell(&format!("not run: the database's disk full ({why})")));
        Volume { folder, keeper: keeper.ok() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn can_be_filled(&self) -> bool {
        self.keeper.is_some()
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }

    /// Takes what is left of the disk.
    ///
    /// # Panics
    /// When it ends with anything but "No space left on device", or on a disk that is shared.
    pub fn fill(&self) {
        assert!(self.can_be_filled(), "this disk belongs to everybody");
        let mut file = File::create(self.filler()).or_else(|_| File::options().append(true).open(self.filler()));
        let file = file.as_mut().expect("open the filler");
        let outcome = io::copy(&mut io::repeat(0).take(1 << 40), file).expect_err("the disk has an end");
        assert_eq!(outcome.kind(), io::ErrorKind::StorageFull, "{outcome}");
    }

    pub fn free(&self) {
        // Nothing to free is as good.
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
    let said = child.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
    if said.is_some_and(|read| read.is_ok()) && line == "mounted\n" {
        return Ok(child);
    }
    let _ = child.wait();
    Err("mounting a tmpfs needs root, or sudo without a password, and the right to mount".into())
}

impl Drop for Volume {
    fn drop(&mut self) {
        self.free();
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take().map(|mut order| order.flush()));
            let _ = keeper.wait();
        }
    }
}
