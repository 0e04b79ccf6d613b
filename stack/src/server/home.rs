use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Lifetime;
use super::account::Account;
use super::binaries::Binaries;
use super::keeper::{Keeper, Stop};
use crate::Error;
use crate::files::keep_private;
use crate::passwords::random;

/// Where a server goes whose account cannot enter the folder it was given.
const ELSEWHERE: &str = "/var/lib/postgresql";

/// The folder of one server: `data`, `password` of its superuser, `log`.
#[derive(Clone)]
pub(crate) struct Home {
    pub(crate) folder: PathBuf,
    pub(crate) account: Account,
    pub(crate) binaries: Binaries,
    pub(crate) password: String,
    pub(crate) lifetime: Lifetime,
    /// What the server finds in its environment beyond our own.
    pub(crate) environment: Vec<(String, String)>,
    /// What it is told beyond our own settings.
    pub(crate) settings: Vec<String>,
}

impl Home {
    /// Finds or makes the folder, a superuser's password and a data directory. An interrupted call leaves nothing half made behind.
    pub(crate) async fn open(folder: &Path, lifetime: Lifetime) -> Result<Self, Error> {
        let account = Account::choose()?;
        let folder = folder_for(account, folder)?;
        let data = folder.join("data");
        let version = fs::read_to_string(data.join("PG_VERSION")).ok().map(|text| text.trim().to_owned());
        let binaries =
            Binaries::find(version.as_deref()).map_err(|missing| match (&version, Binaries::find(None)) {
                (Some(version), Ok(_)) => Error::OtherVersion { data: data.clone(), version: version.clone() },
                _ => missing,
            })?;
        if let Some(version) = &version {
            check_version(&binaries, version, &data)?;
        }
        let file = folder.join("password");
        if version.is_some() && !file.exists() {
            return Err(Error::PasswordLost(file));
        }
        let password = keep_private(&file, random).map_err(Error::file("keep a password in", &file))?;
        let home =
            Self { folder, account, binaries, password, lifetime, environment: Vec::new(), settings: Vec::new() };
        if version.is_none() {
            account.owns(&file).map_err(Error::file("hand over", &file))?;
            home.initdb(&file).await?;
        }
        Ok(home)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// What `postmaster.pid` says about the server that is process `pid`, such as `ready`; an older one may have left the file.
    pub(crate) fn state(&self, pid: u32) -> Option<String> {
        let text = fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        let mut lines = text.lines();
        (lines.next()?.trim() == pid.to_string()).then(|| lines.nth(6).unwrap_or_default().trim().to_owned())
    }

    /// The words in the log that say what went wrong.
    pub(crate) fn complaint(&self) -> String {
        let log = fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        // Said before the line that gives up, and more to the point.
        let marks = ["Address already in use", "No space left", "PANIC:", "FATAL:", "error:", "could not"];
        let line = marks.iter().find_map(|mark| log.lines().find(|line| line.contains(mark))).or(log.lines().last());
        let line = line.unwrap_or("it said nothing");
        ["PANIC:", "FATAL:", "LOG:", "initdb: error:"]
            .iter()
            .find_map(|mark| line.split_once(mark))
            .map_or(line, |(_, words)| words)
            .trim()
            .to_owned()
    }

    async fn initdb(&self, password: &Path) -> Result<(), Error> {
        // Made beside its place and moved there whole, for an interrupted initdb looks like a data directory.
        let draft = self.folder.join("data.new");
        match fs::remove_dir_all(&draft) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(Error::file("remove", &draft)(e));
            }
            _ => {}
        }
        let mut command = Command::new(self.binaries.program("initdb"));
        command.arg("--pgdata").arg(&draft).arg("--pwfile").arg(password);
        command.args([
            "--username=postgres",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--data-checksums",
        ]);
        let remove = if self.lifetime == Lifetime::Kept { &draft } else { &self.folder };
        let failed = |reason| Error::Initdb { path: self.folder.clone(), reason };
        let stop = Stop { signals: "TERM", remove: Some(remove) };
        let keeper = Keeper::start(self.account, &self.log(), &stop, &command).map_err(|e| failed(e.to_string()))?;
        if !keeper.ended().await.success() {
            return Err(failed(self.complaint()));
        }
        fs::rename(&draft, self.data()).map_err(Error::file("move the new data directory to", self.data()))
    }
}

/// The folder itself, or where the account cannot enter it, one under [`ELSEWHERE`] that a symbolic link leads to.
fn folder_for(account: Account, folder: &Path) -> Result<PathBuf, Error> {
    let make = |path: &Path| -> Result<(), Error> {
        fs::create_dir_all(path).map_err(Error::file("make the folder", path))?;
        account.owns(path).map_err(Error::file("hand over", path))
    };
    let parent = folder.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(Error::file("make the folder", parent))?;
    if let Ok(target) = fs::read_link(folder) {
        make(&target)?;
    } else if folder.exists() || account.reaches(parent) {
        make(folder)?;
    } else {
        let target = Path::new(ELSEWHERE).join(format!("items-{}", uuid::Uuid::new_v4().simple()));
        make(&target)?;
        symlink(&target, folder).map_err(Error::file("make the link", folder))?;
    }
    folder.canonicalize().map_err(Error::file("open", folder))
}

fn check_version(binaries: &Binaries, version: &str, data: &Path) -> Result<(), Error> {
    let output = Command::new(binaries.program("postgres")).arg("--version").output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    // "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
    match text.split_whitespace().nth(2).and_then(|number| number.split('.').next()) {
        Some(major) if major != version => Err(Error::OtherVersion { data: data.into(), version: version.into() }),
        _ => Ok(()),
    }
}
