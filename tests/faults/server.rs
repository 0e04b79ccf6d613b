//! PostgreSQL as a run uses it: durable, on a volume and a clock of its own, stopped in several ways and started again.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};
use stack::{Database, Passwords, Server};
use support::schema;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use crate::clock::Clock;
use crate::proxy::free_port;
use crate::volume::Volume;

/// Longer than a recovery takes, and longer than a disk is full.
const START_DEADLINE: Duration = Duration::from_secs(60);

/// A fast shutdown that takes longer becomes an immediate one, as in `stack`.
const FAST: Duration = Duration::from_secs(20);

/// The server of a run and the application's database on it.
pub struct Postgres {
    server: Mutex<Server>,
    pub database: Database,
    pub port: u16,
}

/// How to stop it, in PostgreSQL's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Ends the sessions and writes everything.
    Fast,
    /// Stops at once; the next start recovers, as after a crash of the server alone.
    Immediate,
}

impl Postgres {
    /// Starts the server and creates the database.
    pub async fn start(volume: &Volume, clock: &Clock) -> anyhow::Result<Postgres> {
        let port = free_port();
        let server = Server::start(&volume.path().join("postgres"), port, clock.environment(), Vec::new()).await?;
        let admin = server.address().with_database("itemsdb");
        let database = Database::prepare(&admin, &schema(), &Passwords::random()).await?;
        Ok(Postgres { server: Mutex::new(server), database, port })
    }

    /// Stops it if it runs.
    pub async fn stop(&self, shutdown: Shutdown) {
        let server = self.server.lock().await;
        // The process id in the file could belong to another process by now.
        if ended(&server).await {
            return;
        }
        let file = server.data().join("postmaster.pid");
        let pid = fs::read_to_string(file).ok().and_then(|text| text.lines().next()?.trim().parse().ok());
        let Some(pid) = pid.and_then(Pid::from_raw) else { return };
        let signal = if shutdown == Shutdown::Fast { Signal::INT } else { Signal::QUIT };
        // PostgreSQL 15 that is asked to stop while it recovers from a killed session may wait for ever.
        for (signal, patience) in [(signal, FAST), (Signal::QUIT, START_DEADLINE)] {
            let _ = kill_process(pid, signal);
            if timeout(patience, server.ended()).await.is_ok() {
                return;
            }
        }
        panic!("PostgreSQL does not stop");
    }

    /// Starts it unless it runs; while its disk is full, again and again for a minute.
    pub async fn ensure_running(&self) {
        let begun = Instant::now();
        let mut server = self.server.lock().await;
        while ended(&server).await {
            match server.restart().await {
                Ok(()) => return,
                Err(error) => assert!(begun.elapsed() < START_DEADLINE, "PostgreSQL does not start: {error}"),
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// How often its log contains a phrase.
    pub async fn count_in_log(&self, phrase: &str) -> usize {
        let folder = self.server.lock().await.folder().to_owned();
        let lines = |name| fs::read(folder.join(name)).map(|log| String::from_utf8_lossy(&log).matches(phrase).count());
        ["log", "log.old"].into_iter().filter_map(|name| lines(name).ok()).sum()
    }

    /// Opens a connection of the superuser that does not use the proxy.
    pub async fn connect(&self, application: &str) -> sqlx::Result<PgConnection> {
        let options: PgConnectOptions = self.database.admin().url().parse()?;
        PgConnection::connect_with(&options.application_name(application)).await
    }

    /// A pool of such connections.
    pub fn superuser(&self) -> PgPool {
        let options: PgConnectOptions = self.database.admin().url().parse().expect("an address");
        let pool = PgPoolOptions::new().max_connections(2).acquire_timeout(Duration::from_secs(10));
        pool.connect_lazy_with(options.application_name("checker"))
    }

    /// Stops it for good.
    pub async fn end(self) {
        self.server.into_inner().stop().await;
    }
}

async fn ended(server: &Server) -> bool {
    timeout(Duration::from_millis(50), server.ended()).await.is_ok()
}
