use std::env;
use std::path::{Path, PathBuf};

use crate::Error;

/// Where Debian keeps the programs of each major version: `/usr/lib/postgresql/15/bin`.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A folder with PostgreSQL's server programs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Binaries(PathBuf);

impl Binaries {
    /// Those of `version` (a major version), or the newest.
    pub(crate) fn find(version: Option<&str>) -> Result<Self, Error> {
        let path = env::var_os("PATH").unwrap_or_default();
        search(Path::new(DEBIAN), env::split_paths(&path), "postgres", version).map(Self).ok_or(Error::Missing {
            program: "PostgreSQL's server",
            package: "postgresql",
            otherwise: ", or set DATABASE_URL",
        })
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Whether the server can load `library` at start. The folder is the one every packaging keeps beside `bin`.
    pub(crate) fn has_library(&self, library: &str) -> bool {
        ["../lib", "../lib/postgresql"].iter().any(|lib| self.0.join(lib).join(library).with_extension("so").exists())
    }
}

/// The client program. Debian's `/usr/bin/psql` is a wrapper in Perl that takes longer than what we ask: prefer what it wraps.
pub(crate) fn psql() -> Result<PathBuf, Error> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folder = search(Path::new(DEBIAN), env::split_paths(&path), "psql", None);
    Ok(folder.ok_or(Error::Missing { program: "psql", package: "postgresql-client", otherwise: "" })?.join("psql"))
}

/// The folder that holds `program`: under `root` the wanted or highest version, else the first on `path`.
fn search(root: &Path, path: impl Iterator<Item = PathBuf>, program: &str, version: Option<&str>) -> Option<PathBuf> {
    let versions = root.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|folder| Some((folder.file_name()?.to_str()?.parse().ok()?, folder.join("bin"))))
        .filter(|(number, folder): &(u32, PathBuf)| {
            folder.join(program).exists() && version.is_none_or(|wanted| wanted == number.to_string())
        })
        .collect();
    found.sort();
    found.pop().map(|(_, folder)| folder).or_else(|| path.into_iter().find(|folder| folder.join(program).exists()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn installed(root: &Path, versions: &[&str]) {
        for version in versions {
            fs::create_dir_all(root.join(version).join("bin")).unwrap();
            fs::write(root.join(version).join("bin/postgres"), "").unwrap();
        }
    }

    #[test]
    fn the_newest_version_wins_by_number_unless_one_is_asked_for() {
        let root = tempfile::tempdir().unwrap();
        installed(root.path(), &["9", "15", "17", "common"]);
        let search = |version| search(root.path(), [].into_iter(), "postgres", version);
        assert_eq!(search(None), Some(root.path().join("17/bin")));
        assert_eq!(search(Some("15")), Some(root.path().join("15/bin")));
        assert_eq!(search(Some("16")), None);
    }

    #[test]
    fn without_debians_folder_the_path_is_searched() {
        let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert_eq!(search(root.path(), [other.path().into()].into_iter(), "postgres", None), None);
        fs::write(other.path().join("postgres"), "").unwrap();
        assert_eq!(search(root.path(), [other.path().into()].into_iter(), "postgres", None), Some(other.path().into()));
    }
}
