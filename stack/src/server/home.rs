use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::account::Account;
use super::keeper::{Keeper, Stop};
use super::settings::Lifetime;
use crate::Error;
use crate::binaries::Binaries;
use crate::files::keep_private;
use crate::passwords::random;

/// Where a server's files are if its account cannot enter the configured folder.
const ELSEWHERE: &str = "/var/lib/postgresql";

/// The folder of one server, with its `data`, its `log` and the superuser's `password`, and what the server is started
/// with.
pub(super) struct Home {
    pub(super) folder: PathBuf,
    pub(super) account: Account,
    pub(super) binaries: Binaries,
    pub(super) password: String,
    pub(super) lifetime: Lifetime,
    /// Variables added to the server's environment.
    pub(super) environment: Vec<(String, String)>,
    /// Settings beyond our own, which they override.
    pub(super) settings: Vec<String>,
}

impl Home {
    /// Finds or creates the folder, a password and a data directory. An interrupted call leaves nothing incomplete
    /// behind.
    pub(super) async fn open(folder: &Path, lifetime: Lifetime) -> Result<Self, Error> {
        let account = Account::choose()?;
        let folder = folder_for(account, folder)?;
        let data = folder.join("data");
        let version = fs::read_to_string(data.join("PG_VERSION")).ok().map(|text| text.trim().to_owned());
        let binaries = match &version {
            None => Binaries::find(None)?,
            Some(version) => {
                let found = Binaries::find(Some(version)).ok().filter(|binaries| binaries.are_of(version));
                found.ok_or_else(|| Error::OtherVersion(data, version.clone()))?
            }
        };
        let file = folder.join("password");
        if version.is_some() && !file.exists() {
            return Err(Error::PasswordLost(file));
        }
        let password = keep_private(&file, random).map_err(Error::file("keep a password in", &file))?;
        let (environment, settings) = (Vec::new(), Vec::new());
        let home = Self { folder, account, binaries, password, lifetime, environment, settings };
        if version.is_none() {
            account.own(&file).map_err(Error::file("change the owner of", &file))?;
            home.initdb(&file).await?;
        }
        Ok(home)
    }

    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// The state in `postmaster.pid`, such as `ready`, if the server with process id `pid` wrote that file.
    pub(super) fn state(&self, pid: u32) -> Option<String> {
        let text = fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        let mut lines = text.lines();
        (lines.next()?.trim() == pid.to_string()).then(|| lines.nth(6).unwrap_or_default().trim().to_owned())
    }

    /// The line of the log that explains a failure.
    pub(super) fn failure(&self) -> String {
        let log = fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        // The first two come before the line with which the server ends, and say more.
        let marks = ["Address already in use", "No space left", "PANIC:", "FATAL:", "error:", "could not"];
        let line = marks.iter().find_map(|mark| log.lines().find(|line| line.contains(mark))).or(log.lines().last());
        let line = line.unwrap_or("it printed nothing");
        let prefixes = ["PANIC:", "FATAL:", "LOG:", "initdb: error:"];
        let text = prefixes.iter().find_map(|prefix| line.split_once(prefix)).map_or(line, |(_, text)| text);
        text.trim().to_owned()
    }

    /// The path of the log and its last lines, for a message of one line.
    pub(super) fn log_end(&self) -> String {
        let text = fs::read(self.log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        format!("its log {} ends with: {}", self.log().display(), lines[lines.len().saturating_sub(3)..].join(" / "))
    }

    async fn initdb(&self, password: &Path) -> Result<(), Error> {
        // Created under another name and renamed when complete: an interrupted initdb looks like a data directory.
        let draft = self.folder.join("data.new");
        if let Err(error) = fs::remove_dir_all(&draft)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(Error::file("remove", &draft)(error));
        }
        let mut command = Command::new(self.binaries.program("initdb"));
        command.arg("--pgdata").arg(&draft).arg("--pwfile").arg(password).args(["--username=postgres", "--locale=C"]);
        command.args(["--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums"]);
        let remove = if self.lifetime == Lifetime::Kept { &draft } else { &self.folder };
        let failed = |reason| Error::Initdb(self.folder.clone(), reason);
        let stop = Stop { signals: "TERM", remove: Some(remove) };
        let keeper = Keeper::start(self.account, &self.log(), &stop, &command).map_err(|e| failed(e.to_string()))?;
        if !keeper.ended().await.success() {
            return Err(failed(self.failure()));
        }
        fs::rename(&draft, self.data()).map_err(Error::file("move the new data directory to", self.data()))
    }
}

/// The folder itself, or if the account cannot enter it, one under [`ELSEWHERE`] to which a symbolic link leads.
fn folder_for(account: Account, folder: &Path) -> Result<PathBuf, Error> {
    let create = |path: &Path| -> Result<(), Error> {
        fs::create_dir_all(path).map_err(Error::file("create the folder", path))?;
        account.own(path).map_err(Error::file("change the owner of", path))
    };
    let parent = folder.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(Error::file("create the folder", parent))?;
    if let Ok(target) = fs::read_link(folder) {
        create(&target)?;
    } else if folder.exists() || account.can_enter(parent) {
        create(folder)?;
    } else {
        let target = Path::new(ELSEWHERE).join(format!("items-{}", uuid::Uuid::new_v4().simple()));
        create(&target)?;
        symlink(&target, folder).map_err(Error::file("create the link", folder))?;
    }
    folder.canonicalize().map_err(Error::file("open", folder))
}
