use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What can go wrong between `make up` and the first answer. Each message is one line that ends with its fix.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("DATABASE_URL {0}; fix: DATABASE_URL=postgres://USER:PASSWORD@HOST:5432/DATABASE")]
    Url(String),

    #[error("{address} is in use; fix: stop what listens there, or choose another: {fix}")]
    PortInUse { address: SocketAddr, fix: String },

    #[error("{program} is missing; fix: install {package} (`make setup` does it on Debian){otherwise}")]
    Missing { program: &'static str, package: &'static str, otherwise: &'static str },

    #[error(
        "PostgreSQL does not run as root and there is no account `postgres`; fix: install Debian's package postgresql, or run as another user"
    )]
    NoAccount,

    #[error("another stack (process {pid}) uses {}; fix: stop it, or give this one a folder and ports of its own", .folder.display())]
    Running { folder: PathBuf, pid: String },

    #[error("the data in {} is of PostgreSQL {version}, which is not installed; fix: install postgresql-{version}, or start afresh with `make clean-data`", .data.display())]
    OtherVersion { data: PathBuf, version: String },

    #[error("{} is missing beside its server's data; fix: start afresh with `make clean-data`", .0.display())]
    PasswordLost(PathBuf),

    #[error("cannot {action} {}: {source}; fix: {}", .path.display(), fix(&.source, .path))]
    File { action: &'static str, path: PathBuf, source: io::Error },

    #[error("{} does not exist; fix: start in the repository's root folder, or name a spin.toml with --from", .0.display())]
    NoManifest(PathBuf),

    #[error("cannot make a PostgreSQL data directory in {}: {reason}; fix: {}", .path.display(), fix_for_output(.reason))]
    Initdb { path: PathBuf, reason: String },

    #[error("PostgreSQL did not start: {reason}; fix: {} (its log: {})", fix_for_output(.reason), .log.display())]
    Start { reason: String, log: PathBuf },

    #[error("PostgreSQL ended {times} times within a minute; fix: read its log, {}", .log.display())]
    Unstable { times: usize, log: PathBuf },

    #[error(
        "cannot reach the database {address}: {reason}; fix: check that the server runs and that DATABASE_URL is right"
    )]
    Unreachable { address: String, reason: String },

    #[error("PostgreSQL refused to {action}: {reason}; fix: {}", fix_for_output(.reason))]
    Sql { action: String, reason: String },

    #[error("{} does not exist; fix: `make build`", .0.display())]
    SidecarNotBuilt(PathBuf),

    #[error("the sidecar did not start: {0}; fix: METRICS_LISTEN and OTLP_LISTEN choose other addresses for it")]
    Sidecar(String),

    #[error("{0}; fix: `make build`")]
    NotBuilt(host::Error),

    /// The host says itself what would help.
    #[error("{0}")]
    Host(host::Error),
}

impl From<host::Error> for Error {
    fn from(error: host::Error) -> Self {
        match error {
            host::Error::AddressInUse(address) => Self::in_use("LISTEN", address),
            host::Error::MissingSource { .. } => Self::NotBuilt(error),
            error => Self::Host(error),
        }
    }
}

impl Error {
    /// `variable` chooses the address.
    pub(crate) fn in_use(variable: &str, address: SocketAddr) -> Self {
        let other = SocketAddr::new(address.ip(), address.port().wrapping_add(1));
        Self::PortInUse { address, fix: format!("{variable}={other} make up") }
    }

    /// For `map_err`: `action` completes "cannot …", as in "cannot write".
    pub(crate) fn file(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::File { action, path, source }
    }
}

fn fix(error: &io::Error, path: &Path) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space on that disk".into(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "make it writable for this user, or name another folder with --data".into()
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            format!("move {} away", path.display())
        }
        _ => "name another folder with --data".into(),
    }
}

/// PostgreSQL's programs report in words; these are the cases a person can fix.
fn fix_for_output(reason: &str) -> &'static str {
    if reason.contains("No space left") || reason.contains("Disk quota") {
        "free some space on that disk"
    } else if reason.contains("Permission denied") {
        "make that folder writable for this user, or name another one with --data"
    } else if reason.contains("shared memory") || reason.contains("Cannot allocate") {
        "free some memory"
    } else if reason.contains("permission denied") || reason.contains("must be") {
        "DATABASE_URL must name a role that may create roles and databases"
    } else if reason.contains("exist") {
        "use a database in which nobody else made tables or roles of these names"
    } else {
        "`make clean-data` starts afresh, with nothing in it"
    }
}
