use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::PathBuf;

use crate::files::check_owner;
use crate::{Address, Error, Kind};

/// What a stack is started with, which is also the command line of `stack`. An empty value is the default one.
#[derive(clap::Args, Clone, Debug)]
pub struct Config {
    /// The application's manifest, or its folder
    #[arg(long, short, default_value = "spin.toml")]
    pub from: PathBuf,
    /// Where the application listens [default: 127.0.0.1:8080]
    #[arg(long, env = "LISTEN", default_value = "", hide_default_value = true)]
    pub listen: String,
    /// Where the sidecar serves metrics [default: 127.0.0.1:9464]
    #[arg(long, env = "METRICS_LISTEN", default_value = "", hide_default_value = true)]
    pub metrics_listen: String,
    /// Where the sidecar receives spans [default: 127.0.0.1:4318]
    #[arg(long, env = "OTLP_LISTEN", default_value = "", hide_default_value = true)]
    pub otlp_listen: String,
    /// PostgreSQL to use instead of a server of the stack's own: postgres://USER:PASSWORD@HOST:PORT/DATABASE; the
    /// database is created if it does not exist
    #[arg(long, env = "DATABASE_URL", default_value = "", hide_default_value = true, hide_env_values = true)]
    pub database_url: String,
    /// `yes`: give the roles items, audit and metrics of that server new passwords, which locks their user out
    #[arg(long, env = "TAKE_OVER", default_value = "", hide_default_value = true)]
    pub take_over: String,
    /// Port of the stack's own server; 0 is a free one [default: 15432]
    #[arg(long, env = "DB_PORT", default_value = "", hide_default_value = true)]
    pub db_port: String,
    /// Folder for the data of the stack's own server and the generated passwords; `.env` beside it gets the variables
    /// for `spin up`
    #[arg(long, default_value = ".data")]
    pub data: PathBuf,
}

/// A [`Config`] that was checked: nothing is created or started for one that cannot work.
pub(crate) struct Plan {
    /// The file `spin.toml`.
    pub(crate) manifest: PathBuf,
    pub(crate) host: Kind,
    pub(crate) listen: SocketAddr,
    pub(crate) metrics: SocketAddr,
    pub(crate) otlp: SocketAddr,
    /// The database of `DATABASE_URL`; `None` for a server of the stack's own on `db_port`.
    pub(crate) database: Option<Address>,
    pub(crate) db_port: u16,
    pub(crate) take_over: bool,
    pub(crate) data: PathBuf,
}

impl Config {
    pub(crate) fn check(self) -> Result<Plan, Error> {
        let manifest = if self.from.is_dir() { self.from.join("spin.toml") } else { self.from };
        if !manifest.exists() {
            return Err(Error::NoManifest(manifest));
        }
        let database = if self.database_url.is_empty() { None } else { Some(Address::parse(&self.database_url)?) };
        let db_port = match &*self.db_port {
            "" => 15432,
            text => text.parse().map_err(|_| Error::port(text, "it is no number from 0 to 65535"))?,
        };
        // The listeners stay until all are checked, so that two of them cannot have one address.
        let (listen, _first) = bind("LISTEN", &self.listen, "127.0.0.1:8080")?;
        let (metrics, _second) = bind("METRICS_LISTEN", &self.metrics_listen, "127.0.0.1:9464")?;
        let (otlp, _third) = bind("OTLP_LISTEN", &self.otlp_listen, "127.0.0.1:4318")?;
        if database.is_none() && db_port != 0 && [listen, metrics, otlp].iter().any(|other| other.port() == db_port) {
            return Err(Error::port(&db_port.to_string(), "LISTEN, METRICS_LISTEN or OTLP_LISTEN has the same port"));
        }
        let plan = Plan {
            manifest,
            host: Kind::chosen()?,
            listen,
            metrics,
            otlp,
            database,
            db_port,
            take_over: self.take_over == "yes",
            data: self.data,
        };
        for path in [&plan.data, &plan.passwords(), &plan.pgpass(), &plan.environment()] {
            check_owner(path, &[rustix::process::geteuid().as_raw()])?;
        }
        Ok(plan)
    }
}

impl Plan {
    /// The file with the passwords of the application's roles.
    pub(crate) fn passwords(&self) -> PathBuf {
        self.data.join("passwords")
    }

    /// The file with the superuser's password for `psql`.
    pub(crate) fn pgpass(&self) -> PathBuf {
        self.data.join("pgpass")
    }

    /// The folder with the key of the trail's heads and the last of them. Each database has a trail of its own.
    pub(crate) fn trail(&self) -> PathBuf {
        let of = self.database.as_ref().map(|admin| format!("-{}-{}-{}", admin.host, admin.port, admin.database));
        self.data.join(format!("trail{}", of.unwrap_or_default()).replace('/', "_"))
    }

    /// The file with the variables for `spin up`.
    pub(crate) fn environment(&self) -> PathBuf {
        self.data.with_file_name(".env")
    }
}

/// The address that a variable names and a listener on it, which shows that it is one of this machine and is free.
fn bind(variable: &'static str, text: &str, default: &str) -> Result<(SocketAddr, TcpListener), Error> {
    let text = if text.is_empty() { default } else { text };
    let refused = |error: std::io::Error| Error::listen(variable, text, &error, default);
    let mut addresses = text.to_socket_addrs().map_err(refused)?;
    let ipv4 = addresses.clone().find(SocketAddr::is_ipv4);
    let address = ipv4.or_else(|| addresses.next()).ok_or_else(|| refused(std::io::ErrorKind::NotFound.into()))?;
    match TcpListener::bind(address) {
        Ok(listener) => Ok((address, listener)),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(Error::in_use(variable, address)),
        Err(error) => Err(refused(error)),
    }
}
