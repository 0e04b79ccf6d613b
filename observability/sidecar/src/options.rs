use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// What a sidecar is to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where metrics are served. Port 0 is a free one.
    pub metrics: SocketAddr,
    /// Where OTLP is received. Port 0 is a free one.
    pub otlp: SocketAddr,
    pub database: Database,
    /// How long one reading of the database may take, its connection included; a scrape waits that long at most.
    pub database_timeout: Duration,
    /// Where exports go on to, without `/v1/…`: the address of another OTLP/HTTP receiver.
    pub forward: Option<String>,
    /// Processes whose CPU time and memory are exposed.
    pub watch: Vec<Watch>,
    pub build: Build,
}

impl Options {
    /// On free ports of this machine, everything else as the program has it.
    pub fn new(database: Database) -> Self {
        Self {
            metrics: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            otlp: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            database,
            database_timeout: Duration::from_secs(2),
            forward: None,
            watch: Vec::new(),
            build: Build::default(),
        }
    }
}

/// Where the database is. `Debug` shows neither the address, which may hold a password, nor the password.
#[derive(Clone)]
pub struct Database {
    /// `postgres://metrics@HOST[:PORT]/itemsdb[?sslmode=…&sslrootcert=…]`
    pub url: String,
    pub password: Password,
}

/// Where the password comes from.
#[derive(Clone)]
pub enum Password {
    /// The address, or what libpq would take: `PGPASSWORD`, a password file.
    Url,
    Text(String),
    /// Read anew for each connection, so that it may change. One line break at its end is no part of it.
    File(PathBuf),
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Database")
    }
}

/// A process, or a server with the processes it started.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The value of the label `process`.
    pub name: String,
    pub pid: Pid,
    /// The children count too: a PostgreSQL server is its postmaster and one process per connection.
    pub children: bool,
}

#[derive(Clone, Debug)]
pub enum Pid {
    Number(u32),
    /// A file whose first line is the number, such as `postmaster.pid`; read at each scrape, so that the process may be another one.
    File(PathBuf),
}

/// What `build_info` tells.
#[derive(Clone, Debug)]
pub struct Build {
    pub version: String,
    /// The commit, where the build was told (`SIDECAR_REVISION`).
    pub revision: String,
}

impl Default for Build {
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            revision: option_env!("SIDECAR_REVISION").unwrap_or("unknown").into(),
        }
    }
}
