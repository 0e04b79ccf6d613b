use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;

/// Fails if `path` exists and belongs to none of these accounts (user ids). To write there could lock its owner out.
pub(crate) fn check_owner(path: &Path, accounts: &[u32]) -> Result<(), Error> {
    let Ok(owner) = fs::metadata(path).map(|metadata| metadata.uid()) else { return Ok(()) };
    if accounts.contains(&owner) {
        return Ok(());
    }
    let name = Command::new("id").args(["-un", &owner.to_string()]).output();
    let name = name.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    let name = if name.is_empty() { format!("user {owner}") } else { name };
    Err(Error::Foreign(path.into(), name))
}

/// Replaces the file `path` in one step, with mode 0600: it may hold a secret.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let draft = draft(path);
    let written = create(&draft, text).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

/// Writes `path` with mode 0600 unless it exists, and returns its text. If several processes do so at once, all of them
/// get the text of the first one.
pub(crate) fn keep_private(path: &Path, text: impl FnOnce() -> String) -> io::Result<String> {
    match fs::read_to_string(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        other => return other,
    }
    let draft = draft(path);
    // A hard link, unlike a rename, fails if another process was first.
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
    fn a_kept_file_is_written_once_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwords");
        assert_eq!(keep_private(&path, || "first".into()).unwrap(), "first");
        assert_eq!(keep_private(&path, || "second".into()).unwrap(), "first");
        write_private(&path, "third").unwrap();
        assert_eq!(keep_private(&path, || "fourth".into()).unwrap(), "third");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
    }
}
