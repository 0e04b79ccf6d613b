//! Reads the database when Prometheus scrapes, over one connection that is kept.
//!
//! Scrapes that arrive during a reading share its result, so ten scrapers cost the database as much as one. When the
//! database is lost, the last values stay.

mod collector;
mod reading;
mod status;

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::Mutex;

use self::reading::Reading;
use self::status::Status;
use crate::Error;
use crate::config::{self, Password};

/// The database as a source of metrics.
pub struct Database {
    options: PgConnectOptions,
    password: Password,
    timeout: Duration,
    /// Locked during a reading. Kept only after one that found the database ready: a connection that failed or timed out
    /// is never used again, nor is one that may be bound to a server that was demoted.
    connection: Mutex<Option<PgConnection>>,
    /// The result of the last reading.
    pub status: Arc<Status>,
}

impl Database {
    /// Does not connect yet. `timeout` is for one reading, connecting included.
    ///
    /// # Errors
    /// [`Error::Database`] when the URL is not valid.
    pub fn new(config: &config::Database, timeout: Duration) -> Result<Self, Error> {
        let options = connect_options(config, timeout)?;
        let password = config.password.clone();
        Ok(Self { options, password, timeout, connection: Mutex::default(), status: Arc::default() })
    }

    /// Waits for the current reading, or starts one, and returns when it has ended, successfully or not. Logs when the
    /// database is reached for the first time, lost, not ready for operations, or reached again.
    pub async fn refresh(self: &Arc<Self>) {
        let (database, before) = (self.clone(), self.status.readings());
        // In a task of its own, so that a client that hangs up does not abort the reading that others wait for.
        let task = tokio::spawn(async move {
            let mut connection = database.connection.lock().await;
            if database.status.readings() == before {
                database.read(&mut connection).await;
            }
        });
        let _ = task.await;
    }

    async fn read(&self, connection: &mut Option<PgConnection>) {
        let started = Instant::now();
        let read = tokio::time::timeout(self.timeout, self.try_read(connection)).await;
        let timed_out = format!("no result within {:?}", self.timeout);
        let outcome = read.map_or(Err(timed_out), |read| read.map_err(|error| error.to_string()));
        let trouble = match &outcome {
            Err(error) => Some(("database lost", error.clone())),
            Ok(reading) => reading.obstacle.clone().map(|obstacle| ("database not ready", obstacle)),
        };
        if self.status.record(started.elapsed(), outcome.ok()) {
            match trouble {
                None => tracing::info!("database reached"),
                Some((message, error)) => tracing::warn!(error, "{message}"),
            }
        }
    }

    async fn try_read(&self, connection: &mut Option<PgConnection>) -> Result<Reading, sqlx::Error> {
        if let Some(mut kept) = connection.take()
            && let Ok(reading) = Reading::take(&mut kept).await
            && reading.obstacle.is_none()
        {
            *connection = Some(kept);
            return Ok(reading);
        }
        // A restart of the server ends the kept connection. That alone is not a failure.
        let mut fresh = self.connect().await?;
        let reading = Reading::take(&mut fresh).await?;
        *connection = reading.obstacle.is_none().then_some(fresh);
        Ok(reading)
    }

    /// A connection of its own for another use than readings, with the same limits.
    ///
    /// # Errors
    /// Without a password or a server that accepts it.
    pub async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
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

fn connect_options(database: &config::Database, timeout: Duration) -> Result<PgConnectOptions, Error> {
    let scheme = database.url.split_once("://").map(|(scheme, _)| scheme);
    if !matches!(scheme, Some("postgres" | "postgresql")) {
        return Err(Error::Database("it does not begin with postgres://".into()));
    }
    let options: PgConnectOptions =
        database.url.parse().map_err(|error: sqlx::Error| Error::Database(error.to_string()))?;
    // The server gives up a statement when the sidecar no longer waits for it.
    let milliseconds = timeout.as_millis().max(1).to_string();
    Ok(options.application_name("sidecar").options([("statement_timeout", milliseconds)]).disable_statement_logging())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_for_an_invalid_url_does_not_contain_its_password() {
        for url in [
            "hunter2",
            "mysql://metrics:hunter2@localhost/itemsdb",
            "postgres://metrics:hunter2@localhost:port/itemsdb",
            "postgres://metrics:hunter2@localhost/itemsdb?sslmode=perhaps",
        ] {
            let database = config::Database { url: url.into(), password: Password::Url };
            let message = connect_options(&database, Duration::from_secs(1)).unwrap_err().to_string();
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
