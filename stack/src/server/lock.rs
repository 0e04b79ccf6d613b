use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::Error;

/// The file that is locked for a folder.
pub(super) fn file(folder: &Path) -> PathBuf {
    folder.with_added_extension("lock")
}

/// Locks a folder for one stack. The lock ends with the process that holds it, however the process ends; its id is in
/// the file.
pub(super) fn lock(folder: &Path) -> Result<File, Error> {
    let parent = folder.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(Error::file("create the folder", parent))?;
    let path = file(folder);
    let file = File::options().read(true).append(true).create(true).open(&path);
    let mut file = file.map_err(Error::file("write", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let pid = fs::read_to_string(&path).unwrap_or_default().trim().to_owned();
            return Err(Error::Running(folder.into(), pid));
        }
        Err(TryLockError::Error(e)) => return Err(Error::file("lock", &path)(e)),
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(Error::file("write", &path))?;
    Ok(file)
}
