//! What a sidecar is started with.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// What a sidecar is started with; [`Config::new`] has the defaults.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where metrics are served. Port 0 selects a free port.
    pub metrics: SocketAddr,
    /// Where OTLP is received. Port 0 selects a free port.
    pub otlp: SocketAddr,
    /// The database to read.
    pub database: Database,
    /// How long one reading of the database may take, connecting included; a scrape waits at most that long.
    pub database_timeout: Duration,
    /// Another OTLP/HTTP receiver to pass exports on to, without the path `/v1/…`.
    pub forward: Option<String>,
    /// Processes whose CPU time and memory are exposed.
    pub watch: Vec<Watch>,
    /// How the heads of the trail are signed; `None`: they are not.
    pub trail: Option<Trail>,
}

/// How the heads of the trail are signed.
#[derive(Clone, Debug)]
pub struct Trail {
    /// The file with the seed of the key: 64 hexadecimal digits.
    pub key: PathBuf,
    /// Where the last head is kept, and the public key.
    pub folder: PathBuf,
    /// Whose trail it is: the name of the key, and the origin of the checkpoints before `/` and the incarnation.
    pub origin: String,
    /// How often the trail is compared with the last head.
    pub every: Duration,
}

impl Config {
    /// Listens on free ports of the loopback address; the rest is as the program's defaults.
    pub fn new(database: Database) -> Self {
        Self {
            metrics: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            otlp: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            database,
            database_timeout: Duration::from_secs(2),
            forward: None,
            watch: Vec::new(),
            trail: None,
        }
    }
}

/// Where the database is. `Debug` shows neither the URL, which may contain a password, nor the password.
#[derive(Clone)]
pub struct Database {
    /// `postgres://metrics@HOST[:PORT]/itemsdb[?sslmode=…&sslrootcert=…]`
    pub url: String,
    /// The password of the role in the URL.
    pub password: Password,
}

/// Where the password comes from.
#[derive(Clone)]
pub enum Password {
    /// From the URL, or where libpq would look: `PGPASSWORD`, a password file.
    Url,
    /// This text.
    Text(String),
    /// From a file that is read for each connection, so that the password can be rotated. A final line break is not
    /// part of it.
    File(PathBuf),
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Database")
    }
}

/// A process whose CPU time and memory are exposed.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The value of the label `process`.
    pub name: String,
    /// Which process it is.
    pub pid: Pid,
    /// Whether to add its children: a PostgreSQL server is its postmaster and one process per connection.
    pub children: bool,
}

/// How a watched process is found.
#[derive(Clone, Debug)]
pub enum Pid {
    /// By its process id.
    Number(u32),
    /// By a file whose first line is the process id, such as `postmaster.pid`. It is read at each scrape, so a restart
    /// is noticed.
    File(PathBuf),
}
