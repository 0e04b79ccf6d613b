//! Small files with secrets in them: written whole or not at all, readable by their owner alone.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Replaces the file `path` in one step, mode 0600.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let draft = draft(path);
    let written = create(&draft, text).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

/// Writes `path` unless it is there, mode 0600, and returns what it holds: of several processes at once, all see the first one's text.
pub(crate) fn keep_private(path: &Path, text: impl FnOnce() -> String) -> io::Result<String> {
    match fs::read_to_string(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        other => return other,
    }
    let draft = draft(path);
    // A hard link, unlike a rename, fails where another process was first.
    let written = create(&draft, &text()).and_then(|()| fs::hard_link(&draft, path));
    let _ = fs::remove_file(&draft);
    match written {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
        _ => fs::read_to_string(path),
    }
}

fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn draft(path: &Path) -> PathBuf {
    path.with_added_extension(uuid::Uuid::new_v4().simple().to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_kept_file_is_written_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwords");
        assert_eq!(keep_private(&path, || "first".into()).unwrap(), "first");
        assert_eq!(keep_private(&path, || "second".into()).unwrap(), "first");
        write_private(&path, "third").unwrap();
        assert_eq!(keep_private(&path, || "fourth".into()).unwrap(), "third");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "drafts are gone");
    }
}
