use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Error;
use crate::psql::variables_of_libpq;

/// The account that the server runs as: our own, or `postgres` if we are root, because PostgreSQL refuses to run as
/// root.
#[derive(Clone, Copy)]
pub(super) struct Account(Option<(u32, u32)>);

impl Account {
    pub(super) fn choose() -> Result<Self, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self(None));
        }
        let id = |flag| -> Option<u32> {
            let output = Command::new("id").args([flag, "postgres"]).stderr(Stdio::null()).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        };
        Ok(Self(Some(id("-u").zip(id("-g")).ok_or(Error::NoAccount)?)))
    }

    /// A command that runs as this account, out of reach of the terminal's signals, with English messages.
    pub(super) fn command(self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        // The account may not be able to enter our working directory, which PostgreSQL's programs would read.
        command.current_dir("/").process_group(0).env("LC_ALL", "C").stdin(Stdio::null());
        for name in variables_of_libpq() {
            command.env_remove(name);
        }
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        command
    }

    /// The user ids that files of the server may belong to: this account's and our own.
    pub(super) fn owners(self) -> [u32; 2] {
        let own = rustix::process::geteuid().as_raw();
        [own, self.0.map_or(own, |(user, _)| user)]
    }

    /// Makes the account the owner of `path`.
    pub(super) fn own(self, path: &Path) -> io::Result<()> {
        self.0.map_or(Ok(()), |(user, group)| chown(path, Some(user), Some(group)))
    }

    /// Whether the account can enter `folder`. The system decides: it knows ACLs and the folders above.
    pub(super) fn can_enter(self, folder: &Path) -> bool {
        self.0.is_none() || self.command("test").arg("-x").arg(folder).status().is_ok_and(|status| status.success())
    }
}
