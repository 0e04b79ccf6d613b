use std::fs;
use std::path::Path;
use std::time::Duration;

use host::{Host, Log};

use crate::readiness::Readiness;
use crate::restarts::Restarts;
use crate::sidecar::{self, Sidecar};
use crate::{Address, Config, Database, Error, Passwords, Server, console, credentials};

/// How long requests, and the work after their responses, may take to finish when the stack stops.
const GRACE: Duration = Duration::from_secs(10);

/// Runs the stack until `stop` completes, then stops it. Audit events that still wait are safe in the database: the
/// next host relays them.
///
/// # Errors
/// Whatever keeps a part from starting, or the server from running; everything that was started has stopped by then.
pub async fn run(config: Config, stop: impl Future<Output = ()>) -> Result<(), Error> {
    tokio::pin!(stop);
    config.check_ports()?;
    let mut stack = tokio::select! {
        stack = Stack::start(&config) => stack?,
        () = &mut stop => return Ok(()),
    };
    console::greet(&config, stack.host.address(), stack.database.admin(), stack.sidecar.metrics_address());
    let outcome = tokio::select! {
        error = stack.supervise() => Err(error),
        () = stop => Ok(()),
    };
    console::say("\nStopping …");
    stack.stop().await;
    outcome
}

struct Stack {
    /// `None` if `DATABASE_URL` names another one.
    server: Option<Server>,
    database: Database,
    sidecar: Sidecar,
    host: Host,
    readiness: Readiness,
}

impl Stack {
    async fn start(config: &Config) -> Result<Self, Error> {
        let manifest = config.manifest()?;
        fs::create_dir_all(&config.data).map_err(Error::file("create the folder", &config.data))?;
        let passwords = Passwords::kept(&config.data.join("passwords"))?;
        let server = match config.database_url {
            Some(_) => None,
            None => Some(Server::start(&config.data.join("postgres"), config.db_port, Vec::new(), Vec::new()).await?),
        };
        let admin = admin(config, server.as_ref())?;
        let schema = manifest.parent().unwrap_or(Path::new("")).join("schema/schema.sql");
        let database = Database::prepare(&admin, &schema, &passwords).await?;
        credentials::write(config, &database)?;
        let sidecar = Sidecar::start(sidecar::Config {
            metrics: config.metrics_listen,
            otlp: config.otlp_listen,
            database: database.clone(),
            server: server.as_ref().map(Server::data),
        });
        let sidecar = sidecar.await?;
        let host = Host::start(host::Config {
            listen: config.listen,
            variables: database.variables(),
            log: Log::new(console::show),
            spans: Some(sidecar.spans()),
            ..host::Config::new(manifest)
        });
        let host = host.await?;
        let readiness = Readiness::start(host.address());
        Ok(Self { server, database, sidecar, host, readiness })
    }

    /// Restarts the server whenever it ends by itself. Returns only when that fails or happens too often.
    async fn supervise(&mut self) -> Error {
        let Some(server) = &mut self.server else { return std::future::pending().await };
        let mut restarts = Restarts::default();
        loop {
            let status = server.ended().await;
            if !restarts.allow() {
                return Error::Unstable(server.folder().join("log"));
            }
            eprintln!("PostgreSQL ended ({status}); starting it again");
            match server.restart().await {
                Ok(()) => eprintln!("PostgreSQL runs again"),
                Err(error) => return error,
            }
        }
    }

    /// The sidecar stops after the host, whose last spans it receives, and before the database, which it may be
    /// reading.
    async fn stop(self) {
        self.readiness.stop().await;
        self.host.shutdown(GRACE).await;
        self.sidecar.stop().await;
        if let Some(server) = self.server {
            server.stop().await;
        }
    }
}

/// The address by which the schema is applied.
fn admin(config: &Config, server: Option<&Server>) -> Result<Address, Error> {
    if let Some(server) = server {
        let (port, folder) = (server.address().port, server.folder().display());
        console::say(&format!("PostgreSQL runs on 127.0.0.1:{port}, data in {folder}"));
        return Ok(server.address().with_database("itemsdb"));
    }
    let mut admin = Address::parse(config.database_url.as_deref().unwrap_or_default())?;
    if admin.sslmode() == "require" {
        return Err(Error::Url("asks for TLS, which the embedded host does not support (Spin does)".into()));
    }
    admin.password = admin.password.or_else(|| std::env::var("PGPASSWORD").ok());
    Ok(admin)
}
