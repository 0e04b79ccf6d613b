use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use crate::Error;

/// What a stack is started with, which is also the command line of `stack`.
#[derive(clap::Args, Clone, Debug)]
pub struct Config {
    /// The application's manifest, or its folder
    #[arg(long, short, default_value = "spin.toml")]
    pub from: PathBuf,
    /// Where the application listens
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where the sidecar serves metrics
    #[arg(long, env = "METRICS_LISTEN", default_value = "127.0.0.1:9464")]
    pub metrics_listen: SocketAddr,
    /// Where the sidecar receives spans
    #[arg(long, env = "OTLP_LISTEN", default_value = "127.0.0.1:4318")]
    pub otlp_listen: SocketAddr,
    /// PostgreSQL to use instead of a server of the stack's own: postgres://USER:PASSWORD@HOST:PORT/DATABASE; the
    /// database is created if it does not exist
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Port of the stack's own server; 0 is a free one
    #[arg(long, env = "DB_PORT", default_value_t = 15432)]
    pub db_port: u16,
    /// Folder for the data of the stack's own server and the generated passwords; `.env` beside it gets the variables
    /// for `spin up`
    #[arg(long, default_value = ".data")]
    pub data: PathBuf,
}

impl Config {
    /// Fails if an address is in use, before a database is started for nothing.
    pub(crate) fn check_ports(&self) -> Result<(), Error> {
        let addresses =
            [("LISTEN", self.listen), ("METRICS_LISTEN", self.metrics_listen), ("OTLP_LISTEN", self.otlp_listen)];
        for (variable, address) in addresses {
            if TcpListener::bind(address).is_err_and(|e| e.kind() == io::ErrorKind::AddrInUse) {
                return Err(Error::in_use(variable, address));
            }
        }
        Ok(())
    }

    /// The file `spin.toml`.
    pub(crate) fn manifest(&self) -> Result<PathBuf, Error> {
        let manifest = if self.from.is_dir() { self.from.join("spin.toml") } else { self.from.clone() };
        if manifest.exists() { Ok(manifest) } else { Err(Error::NoManifest(manifest)) }
    }

    /// The file with the superuser's password for `psql`.
    pub(crate) fn pgpass(&self) -> PathBuf {
        self.data.join("pgpass")
    }
}
