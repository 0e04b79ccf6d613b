use std::fs;
use std::path::Path;
use std::time::Duration;

use host::Log;

use crate::config::Plan;
use crate::readiness::Readiness;
use crate::restarts::Restarts;
use crate::sidecar::{self, Sidecar};
use crate::{Config, Database, Error, Host, Passwords, Server, console, credentials, passwords};

/// How long requests, and the work after their responses, may take to finish when the stack stops.
const GRACE: Duration = Duration::from_secs(10);

/// Runs the stack until `stop` completes, then stops it. Audit events that still wait are safe in the database: the
/// next host relays them.
///
/// # Errors
/// Whatever keeps a part from starting, or the server from running; everything that was started has stopped by then.
pub async fn run(config: Config, stop: impl Future<Output = ()>) -> Result<(), Error> {
    tokio::pin!(stop);
    let plan = config.check()?;
    let mut stack = tokio::select! {
        stack = Stack::start(&plan) => stack?,
        () = &mut stop => return Ok(()),
    };
    console::greet(&plan, stack.host.address(), stack.database.admin(), stack.sidecar.metrics_address());
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
    async fn start(plan: &Plan) -> Result<Self, Error> {
        let schema = plan.manifest.parent().unwrap_or(Path::new("")).join("schema/schema.sql");
        let passwords = || -> Result<Passwords, Error> {
            fs::create_dir_all(&plan.data).map_err(Error::file("create the folder", &plan.data))?;
            Passwords::kept(&plan.passwords())
        };
        let (server, database) = if let Some(admin) = &plan.database {
            Database::examine(admin).await?;
            (None, Database::set_up(admin, &schema, &passwords()?, plan.take_over).await?)
        } else {
            let server = Server::start(&plan.data.join("postgres"), plan.db_port, Vec::new(), Vec::new()).await?;
            let (port, folder) = (server.address().port, server.folder().display());
            console::say(&format!("PostgreSQL runs on 127.0.0.1:{port}, data in {folder}"));
            let admin = server.address().with_database("itemsdb");
            let database = Database::prepare(&admin, &schema, &passwords()?).await?;
            (Some(server), database)
        };
        credentials::write(plan, &database)?;
        passwords::keep_seed(&plan.trail())?;
        let sidecar = Sidecar::start(sidecar::Config {
            metrics: plan.metrics,
            otlp: plan.otlp,
            database: database.clone(),
            server: server.as_ref().map(Server::data),
            trail: plan.trail(),
        });
        let sidecar = sidecar.await?;
        let host = host::Config {
            listen: plan.listen,
            variables: database.variables(),
            log: Log::new(console::show),
            spans: Some(sidecar.spans()),
            ..host::Config::new(&plan.manifest)
        };
        let host = Host::start(plan.host, host).await?;
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
                return Error::Unstable(server.log_end());
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
