//! The database as a source of metrics: read when somebody scrapes, by one task with one connection.
//!
//! Scrapes that come while a reading is under way share its result, so that ten scrapers cost the database what one does. What was
//! read last stays when the database is lost.

mod exposition;
mod reading;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{mpsc, oneshot};

use self::reading::Reading;
use crate::options::{self, Password};
use crate::{Error, lock};

/// Scrapes that may wait for one reading; more would not be served by the listener either.
const MOST_WAITING: usize = 64;

/// How the last reading went, and what the last good one found.
#[derive(Debug, Default)]
pub struct Status(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// `None` before the first attempt.
    up: Option<bool>,
    took: Duration,
    succeeded: u64,
    failed: u64,
    values: Option<(Instant, Arc<Reading>)>,
}

impl Status {
    /// Whether the last reading succeeded; `None` before the first.
    pub fn is_up(&self) -> Option<bool> {
        lock(&self.0).up
    }

    /// True when this is a change of state.
    fn record(&self, took: Duration, outcome: Result<Reading, ()>) -> bool {
        let mut inner = lock(&self.0);
        inner.took = took;
        let up = outcome.is_ok();
        match outcome {
            Ok(reading) => {
                inner.succeeded += 1;
                inner.values = Some((Instant::now(), Arc::new(reading)));
            }
            Err(()) => inner.failed += 1,
        }
        inner.up.replace(up) != Some(up)
    }
}

/// Asks the task that reads.
#[derive(Clone)]
pub struct Handle(mpsc::Sender<oneshot::Sender<()>>);

impl Handle {
    /// Returns when a reading has ended, well or not, that had not ended when this was called.
    pub async fn refresh(&self) {
        let (done, wait) = oneshot::channel();
        if self.0.send(done).await.is_ok() {
            // An error means that the sidecar is stopping: the values are what they are.
            let _ = wait.await;
        }
    }
}

/// The task that reads; ends when the last [`Handle`] is gone.
pub struct Reader {
    requests: mpsc::Receiver<oneshot::Sender<()>>,
    options: PgConnectOptions,
    password: Password,
    timeout: Duration,
    connection: Option<PgConnection>,
    status: Arc<Status>,
}

impl Reader {
    /// # Errors
    /// [`Error::Database`] when the address is not understood. Whether anybody answers there shows at the first scrape.
    pub fn new(database: &options::Database, timeout: Duration, status: Arc<Status>) -> Result<(Self, Handle), Error> {
        let options = connect_options(database, timeout)?;
        let (sender, requests) = mpsc::channel(MOST_WAITING);
        let reader = Self { requests, options, password: database.password.clone(), timeout, connection: None, status };
        Ok((reader, Handle(sender)))
    }

    pub async fn run(mut self) {
        while let Some(first) = self.requests.recv().await {
            let started = Instant::now();
            let outcome = match tokio::time::timeout(self.timeout, self.read()).await {
                Ok(Ok(reading)) => Ok(reading),
                Ok(Err(failure)) => Err(failure.to_string()),
                Err(_) => Err(format!("no answer within {:?}", self.timeout)),
            };
            let failure = outcome.as_ref().err().cloned();
            if self.status.record(started.elapsed(), outcome.map_err(drop)) {
                match failure {
                    None => tracing::info!("database reached"),
                    Some(error) => tracing::warn!(error, "database lost"),
                }
            }
            let _ = first.send(());
            while let Ok(waiting) = self.requests.try_recv() {
                let _ = waiting.send(());
            }
        }
    }

    /// The connection is in `self` only between readings: one that failed or was given up is never used again.
    async fn read(&mut self) -> Result<Reading, sqlx::Error> {
        if let Some(mut kept) = self.connection.take()
            && let Ok(reading) = Reading::take(&mut kept).await
        {
            self.connection = Some(kept);
            return Ok(reading);
        }
        // The kept one may have been cut by a restart of the server, which is no reason to fail.
        let mut fresh = self.connect().await?;
        let reading = Reading::take(&mut fresh).await?;
        self.connection = Some(fresh);
        Ok(reading)
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let options = match &self.password {
            Password::Url => self.options.clone(),
            Password::Text(password) => self.options.clone().password(password),
            Password::File(path) => {
                let unreadable = |e| format!("cannot read the password from {}: {e}", path.display());
                let text = std::fs::read_to_string(path).map_err(unreadable);
                let text = text.map_err(|e| sqlx::Error::Configuration(e.into()))?;
                let text = text.strip_suffix('\n').unwrap_or(&text);
                self.options.clone().password(text.strip_suffix('\r').unwrap_or(text))
            }
        };
        PgConnection::connect_with(&options).await
    }
}

fn connect_options(database: &options::Database, timeout: Duration) -> Result<PgConnectOptions, Error> {
    let scheme = database.url.split_once("://").map(|(scheme, _)| scheme);
    if !matches!(scheme, Some("postgres" | "postgresql")) {
        return Err(Error::Database("it does not begin with postgres://".into()));
    }
    let options: PgConnectOptions = match database.url.parse() {
        Ok(options) => options,
        // Says what is wrong in words of its own.
        Err(error) => return Err(Error::Database(error.to_string())),
    };
    // The server gives up when nobody waits any more.
    let milliseconds = timeout.as_millis().max(1).to_string();
    Ok(options.application_name("sidecar").options([("statement_timeout", milliseconds)]).disable_statement_logging())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        let database = options::Database { url: url.into(), password: Password::Url };
        connect_options(&database, Duration::from_secs(1)).unwrap_err().to_string()
    }

    #[test]
    fn an_address_that_is_not_understood_is_not_repeated() {
        for url in [
            "hunter2",
            "mysql://metrics:hunter2@localhost/itemsdb",
            "postgres://metrics:hunter2@localhost:port/itemsdb",
            "postgres://metrics:hunter2@localhost/itemsdb?sslmode=perhaps",
        ] {
            let message = refused(url);
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn only_a_change_of_state_is_one() {
        let status = Status::default();
        let took = Duration::ZERO;
        let changes = [Err(()), Err(()), Ok(Reading::default()), Ok(Reading::default()), Err(())];
        let changes = changes.map(|outcome| status.record(took, outcome));
        assert_eq!(changes, [true, false, true, false, true]);
        let inner = lock(&status.0);
        assert_eq!((inner.succeeded, inner.failed), (2, 3));
        assert!(inner.values.is_some(), "a lost database takes no values away");
    }
}
