use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;

/// Where Debian keeps the programs of each major version: `/usr/lib/postgresql/15/bin`.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A folder with PostgreSQL's server programs.
#[derive(Clone)]
pub(crate) struct Binaries(PathBuf);

impl Binaries {
    /// Those of the major version `version`, or the newest.
    pub(crate) fn find(version: Option<&str>) -> Result<Self, Error> {
        let fix = "install postgresql (`make setup` does it on Debian), or set DATABASE_URL";
        find("postgres", version).map(Self).ok_or(Error::Missing("PostgreSQL's server", fix))
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Whether they have this major version; programs found on `PATH` may have any.
    pub(crate) fn are_of(&self, version: &str) -> bool {
        let output = Command::new(self.program("postgres")).arg("--version").output();
        let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
        // "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
        text.split_whitespace().nth(2).and_then(|number| number.split('.').next()).is_none_or(|major| major == version)
    }

    /// Whether the server can load `library` at start. Every packaging keeps that folder beside `bin`.
    pub(crate) fn has_library(&self, library: &str) -> bool {
        ["../lib", "../lib/postgresql"].iter().any(|lib| self.0.join(lib).join(library).with_extension("so").exists())
    }
}

/// The client program. Debian's `/usr/bin/psql` is a wrapper in Perl that takes longer than our statements, so the
/// program behind it is preferred.
pub(crate) fn psql() -> Result<PathBuf, Error> {
    let fix = "install postgresql-client (`make setup` does it on Debian)";
    find("psql", None).map(|folder| folder.join("psql")).ok_or(Error::Missing("psql", fix))
}

fn find(program: &str, version: Option<&str>) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    search(Path::new(DEBIAN), env::split_paths(&path), program, version)
}

/// The folder that holds `program`: under `root` the wanted or highest version, else the first on `path`.
fn search(
    root: &Path,
    mut path: impl Iterator<Item = PathBuf>,
    program: &str,
    version: Option<&str>,
) -> Option<PathBuf> {
    let folders = root.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    let versions = folders.filter_map(|folder| Some((folder.file_name()?.to_str()?.parse::<u32>().ok()?, folder)));
    let wanted = versions.filter(|(number, folder)| {
        folder.join("bin").join(program).exists() && version.is_none_or(|version| version == number.to_string())
    });
    wanted.max().map(|(_, folder)| folder.join("bin")).or_else(|| path.find(|folder| folder.join(program).exists()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_newest_version_is_found_unless_another_is_asked_for() {
        let root = tempfile::tempdir().unwrap();
        for version in ["9", "15", "17", "common"] {
            fs::create_dir_all(root.path().join(version).join("bin")).unwrap();
            fs::write(root.path().join(version).join("bin/postgres"), "").unwrap();
        }
        let search = |version| search(root.path(), [].into_iter(), "postgres", version);
        assert_eq!(search(None), Some(root.path().join("17/bin")));
        assert_eq!(search(Some("15")), Some(root.path().join("15/bin")));
        assert_eq!(search(Some("16")), None);
    }

    #[test]
    fn without_debians_folder_the_path_is_searched() {
        let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let search = || search(root.path(), [other.path().into()].into_iter(), "postgres", None);
        assert_eq!(search(), None);
        fs::write(other.path().join("postgres"), "").unwrap();
        assert_eq!(search(), Some(other.path().into()));
    }
}
