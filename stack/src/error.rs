use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::restarts::Restarts;

/// Why a part of the stack did not start or stopped. Each message is one line that ends with its fix.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A variable such as `DATABASE_URL` cannot be used, for this reason. The second field is what to do. The text does
    /// not repeat `DATABASE_URL`, because it may hold a password.
    #[error("{0}; fix: {1}")]
    Setting(String, String),

    /// Another program listens on this address. The second field is a command that uses another one.
    #[error("{0} is in use; fix: stop what listens there, or choose another: {1}")]
    PortInUse(SocketAddr, String),

    /// A program of PostgreSQL is not installed; the second field is what to do.
    #[error("{0} is missing; fix: {1}")]
    Missing(&'static str, &'static str),

    /// Run by root, without an account that could run the server.
    #[error(
        "PostgreSQL does not run as root and there is no account `postgres`; fix: install Debian's package postgresql, or run \
         as another user"
    )]
    NoAccount,

    /// This file belongs to another account, named by the second field. Nothing was changed.
    #[error(
        "{path} belongs to {1}; fix: run as {1}, give it to this account with chown, or name another folder with --data",
        path = .0.display()
    )]
    Foreign(PathBuf, String),

    /// Another process, named by its id, uses this folder.
    #[error(
        "another stack (process {1}) uses {folder}; fix: stop it, or give this one a folder and ports of its own",
        folder = .0.display()
    )]
    Running(PathBuf, String),

    /// This data directory belongs to a major version, named by its number, that is not installed.
    #[error(
        "the data in {data} is of PostgreSQL {1}, which is not installed; fix: install postgresql-{1}, or move that folder \
         aside and restore a backup (`make restore`)",
        data = .0.display()
    )]
    OtherVersion(PathBuf, String),

    /// The file with the superuser's password is gone, while the data is still there.
    #[error(
        "{file} does not exist, without which nobody can log in to the server whose data is beside it; fix: put the file \
         back, or move its folder aside and restore a backup (`make restore`)",
        file = .0.display()
    )]
    PasswordLost(PathBuf),

    /// A file operation failed: its name, as in "cannot write", the path and the reason.
    #[error("cannot {0} {path}: {2}; fix: {fix}", path = .1.display(), fix = fix(&.2.to_string(), OTHER_FOLDER))]
    File(&'static str, PathBuf, io::Error),

    /// There is no manifest at this path.
    #[error(
        "{manifest} does not exist; fix: start in the repository's root folder, or name a spin.toml with --from",
        manifest = .0.display()
    )]
    NoManifest(PathBuf),

    /// `initdb` failed in this folder, with what it printed.
    #[error(
        "cannot create a PostgreSQL data directory in {folder}: {1}; fix: {fix}",
        folder = .0.display(), fix = fix(.1, OTHER_FOLDER)
    )]
    Initdb(PathBuf, String),

    /// The server did not start, with the reason from its log, and the path and last lines of the log.
    #[error("PostgreSQL did not start: {0} ({1}); fix: {fix}", fix = fix(.0, RESTORE))]
    Start(String, String),

    /// The server was restarted too often; the path and last lines of its log.
    #[error("PostgreSQL ended more than {most} times within a minute ({0}); fix: {RESTORE}", most = Restarts::MOST)]
    Unstable(String),

    /// No connection to the database at this address (without password), with the reason.
    #[error("cannot reach the database {0}: {1}; fix: check that the server runs and that DATABASE_URL is right")]
    Unreachable(String, String),

    /// The database at this address (without password) cannot be used, for this reason; the third field is what to do.
    #[error("cannot use the database {0}: {1}; fix: {2}")]
    Unfit(String, String, &'static str),

    /// A statement failed: what it was to do, as in "refused to create a database", and PostgreSQL's own message.
    #[error("PostgreSQL refused to {0}: {1}; fix: {fix}", fix = fix_statement(.1))]
    Sql(String, String),

    /// The sidecar did not start, with what it printed.
    #[error("the sidecar did not start: {0}; fix: METRICS_LISTEN and OTLP_LISTEN choose other addresses for it")]
    Sidecar(String),

    /// A component or the sidecar was not built; the text names the file.
    #[error("{0}; fix: `make build`")]
    NotBuilt(String),

    /// Spin did not start, for this reason.
    #[error("spin did not start: {0}; fix: try `spin up` in the folder of the manifest")]
    Spin(String),

    /// The host did not start. Its messages name their own fix.
    #[error("{0}")]
    Host(host::Error),
}

impl From<host::Error> for Error {
    fn from(error: host::Error) -> Self {
        match error {
            host::Error::AddressInUse(address) => Self::in_use("LISTEN", address),
            host::Error::MissingSource { .. } => Self::NotBuilt(error.to_string()),
            error => Self::Host(error),
        }
    }
}

impl Error {
    /// `variable` chooses the address.
    pub(crate) fn in_use(variable: &str, address: SocketAddr) -> Self {
        let other = SocketAddr::new(address.ip(), address.port().wrapping_add(1));
        Self::PortInUse(address, format!("{variable}={other} make up"))
    }

    /// `error` is why the address `text` cannot be listened on; `example` is one that can.
    pub(crate) fn listen(variable: &str, text: &str, error: &io::Error, example: &str) -> Self {
        let fix = format!("HOST:PORT with an address of this machine, as in {variable}={example}");
        Self::Setting(format!("{variable}={text} cannot be used: {error}"), fix)
    }

    /// `reason` is why `DB_PORT` cannot be `text`.
    pub(crate) fn port(text: &str, reason: impl Display) -> Self {
        Self::Setting(format!("DB_PORT={text} cannot be used: {reason}"), "another port, as in DB_PORT=15432".into())
    }

    /// For `map_err`: `action` completes "cannot …", as in "cannot write".
    pub(crate) fn file(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |error| Self::File(action, path, error)
    }
}

const OTHER_FOLDER: &str = "name another folder with --data";
const RESTORE: &str =
    "correct what its log names; if the data is damaged, keep it, move it aside and restore a backup (`make restore`)";

/// The operating system and PostgreSQL report in words; these are the cases with a known fix.
fn fix(reason: &str, otherwise: &'static str) -> &'static str {
    let mentions = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if mentions(&["No space left", "quota"]) {
        "free some space on that disk"
    } else if mentions(&["Permission denied", "Read-only"]) {
        "make it writable for this user, or name another folder with --data"
    } else if mentions(&["Not a directory", "File exists"]) {
        "move the file that is in the way, or name another folder with --data"
    } else if mentions(&["shared memory", "Cannot allocate"]) {
        "free some memory"
    } else {
        otherwise
    }
}

/// The same for a statement.
fn fix_statement(reason: &str) -> &'static str {
    let mentions = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if mentions(&["No space left"]) {
        "free some space on the server's disk"
    } else if mentions(&["read-only"]) {
        "DATABASE_URL must name a database that accepts writes"
    } else if mentions(&["permission denied", "must be"]) {
        "DATABASE_URL must name a role that may create roles and databases"
    } else if mentions(&["exist"]) {
        "use a database in which nobody else created tables or roles of these names"
    } else {
        "correct what this message names; the server's log may have more"
    }
}
