use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Error;

/// The account the server runs as: our own, or `postgres` where we are root, which PostgreSQL refuses to run as.
#[derive(Clone, Copy)]
pub(crate) struct Account(Option<(u32, u32)>);

impl Account {
    pub(crate) fn choose() -> Result<Self, Error> {
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
    pub(crate) fn command(self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        // Our own working directory may be closed to the account, and PostgreSQL's programs look at theirs.
        command.current_dir("/").process_group(0).env("LC_ALL", "C").stdin(Stdio::null());
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        command
    }

    pub(crate) fn owns(self, path: &Path) -> io::Result<()> {
        match self.0 {
            Some((user, group)) => chown(path, Some(user), Some(group)),
            None => Ok(()),
        }
    }

    /// Whether the account can enter `folder`: asked of the system, which knows of ACLs and of closed folders above.
    pub(crate) fn reaches(self, folder: &Path) -> bool {
        self.0.is_none() || self.command("test").arg("-x").arg(folder).status().is_ok_and(|status| status.success())
    }
}
