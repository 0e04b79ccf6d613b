//! Pools of sessions, one per address string.

use super::session::Session;
use deadpool::managed::{Metrics, QueueMode, RecycleError, RecycleResult};
use std::sync::{Mutex, PoisonError};
use tokio_postgres::config::SslMode;
use tokio_postgres::{Config, NoTls};

/// Sessions per address, as in Spin. A further guest waits for one, without a limit.
const SESSIONS: usize = 64;
/// Addresses whose pools are kept, as in Spin.
const ADDRESSES: usize = 16;

/// The pools of one host, the most recently used address last.
#[derive(Default)]
pub struct Pools(Mutex<Vec<(String, Pool)>>);

pub type Pool = deadpool::managed::Pool<Manager>;

impl Pools {
    /// The pool for `address`, whose parsed form is `config`. The error is for the guest.
    pub fn get(&self, address: &str, config: Config) -> Result<Pool, String> {
        if config.get_ssl_mode() != SslMode::Disable {
            let reason = "this host speaks no TLS to the database: say sslmode=disable, or run under Spin";
            return Err(reason.to_owned());
        }
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = pools.iter().position(|(known, _)| known == address).map(|index| pools.remove(index).1);
        let pool = match known {
            Some(pool) => pool,
            // The newest idle session is reused first, so that as few as possible stay warm.
            None => Pool::builder(Manager(config))
                .max_size(SESSIONS)
                .queue_mode(QueueMode::Lifo)
                .build()
                .map_err(|error| error.to_string())?,
        };
        if pools.len() == ADDRESSES {
            pools.remove(0);
        }
        pools.push((address.to_owned(), pool.clone()));
        Ok(pool)
    }
}

/// Opens sessions and makes used ones fit for the next guest.
pub struct Manager(Config);

impl deadpool::managed::Manager for Manager {
    type Type = Session;
    type Error = tokio_postgres::Error;

    async fn create(&self) -> Result<Session, tokio_postgres::Error> {
        let (client, connection) = self.0.connect(NoTls).await?;
        // The task ends with the session; a lost connection shows on the client.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Session::new(client))
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<tokio_postgres::Error> {
        if session.is_usable() {
            session.clean().await.map_err(RecycleError::Backend)
        } else {
            Err(RecycleError::message("the connection is lost"))
        }
    }
}
