//! PostgreSQL as a run uses it: durable, on a volume and a clock of its own, stopped in every way and started again.

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

/// Longer than a recovery takes, and a disk is full.
const START_DEADLINE: Duration = Duration::from_secs(60);

/// A fast shutdown that takes longer becomes an immediate one, as in the stack.
const FAST: Duration = Duration::from_secs(20);

/// The server of one run and the application's database on it.
pub struct Postgres {
    server: Mutex<Server>,
    pub database: Database,
    pub port: u16,
}

/// How to stop it (PostgreSQL's own words).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Sessions are ended, everything is written.
    Fast,
    /// Everything stops at once; the next start recovers, as after a crash. The operating system lives on.
    Immediate,
}

impl Postgres {
    pub async fn start(volume: &Volume, clock: &Clock) -> anyhow::Result<Postgres> {
        let port = free_port();
        let server = Server::start(&volume.path().join("postgres"), port, clock.environment(), Vec::new()).await?;
        let admin = server.address().with_database("itemsdb");
        let database = Database::prepare(&admin, &schema(), &Passwords::random()).await?;
        Ok(Postgres { server: Mutex::new(server), database, port })
    }

    /// Stops it and returns when it is down; one that is down already stays so.
    ///
    /// # Panics
    /// When it does not stop.
    pub async fn stop(&self, shutdown: Shutdown) {
        let server = self.server.lock().await;
        // Its number may belong to another by now.
        if ended(&server).await {
            return;
        }
        let file = server.data().join("postmaster.pid");
        let pid = fs::read_to_string(file).ok().and_then(|text| text.lines().next()?.trim().parse().ok());
        let Some(pid) = pid.and_then(Pid::from_raw) else { return };
        let signal = if shutdown == Shutdown::Fast { Signal::INT } else { Signal::QUIT };
        // A server that recovers from a killed session, asked to stop meanwhile, waits for ever: seen with PostgreSQL 15.
        for (signal, patience) in [(signal, FAST), (Signal::QUIT, START_DEADLINE)] {
            let _ = kill_process(pid, signal);
            if timeout(patience, server.ended()).await.is_ok() {
                return;
            }
        }
        panic!("PostgreSQL does not stop");
    }

    /// Starts it unless it runs. A disk that is full meanwhile is waited for.
    ///
    /// # Panics
    /// After a minute, with PostgreSQL's own words.
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

    /// Says what the log has of a phrase: in how many lines.
    pub async fn complained(&self, phrase: &str) -> usize {
        let folder = self.server.lock().await.folder().to_owned();
        let lines = |name| fs::read(folder.join(name)).map(|log| String::from_utf8_lossy(&log).matches(phrase).count());
        ["log", "log.old"].into_iter().filter_map(|name| lines(name).ok()).sum()
    }

    /// A connection of the superuser, past the proxy.
    pub async fn connect(&self, application: &str) -> sqlx::Result<PgConnection> {
        let options: PgConnectOptions = self.database.admin().url().parse()?;
        PgConnection::connect_with(&options.application_name(application)).await
    }

    /// The same as a pool.
    pub fn look(&self) -> PgPool {
        let options: PgConnectOptions = self.database.admin().url().parse().expect("an address");
        let pool = PgPoolOptions::new().max_connections(2).acquire_timeout(Duration::from_secs(10));
        pool.connect_lazy_with(options.application_name("checker"))
    }

    pub async fn end(self) {
        self.server.into_inner().stop().await;
    }
}

async fn ended(server: &Server) -> bool {
    timeout(Duration::from_millis(50), server.ended()).await.is_ok()
}
