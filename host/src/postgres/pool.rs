//! Pools of sessions, one per address.

use super::bindings::spin::postgres::postgres::Error;
use super::failure::with_causes;
use super::session::Session;
use deadpool::managed::{Metrics, Object, QueueMode, RecycleError, RecycleResult};
use std::sync::{Mutex, PoisonError};
use tokio_postgres::{Config, NoTls};

/// Sessions per address, as in Spin. A further component waits for one, without a limit.
const SESSIONS: usize = 64;
/// Addresses whose pools are kept, as in Spin.
const ADDRESSES: usize = 16;

/// A [`Session`] that an instance holds; dropping it returns the session to its pool.
pub type Connection = Object<Manager>;

/// The pools of one host by their address, the most recently used last.
#[derive(Default)]
pub struct Pools(Mutex<Vec<(String, Pool)>>);

type Pool = deadpool::managed::Pool<Manager>;

impl Pools {
    /// Takes a session with the database at `address`, which `check` may refuse; waits for one if all are in use.
    ///
    /// # Errors
    /// [`Error::ConnectionFailed`], for the component.
    pub async fn connect(
        &self,
        address: &str,
        check: impl Fn(&Config) -> Result<(), String>,
    ) -> Result<Connection, Error> {
        let pool = self.pool(address, check).map_err(Error::ConnectionFailed)?;
        pool.get().await.map_err(|error| Error::ConnectionFailed(with_causes(&error)))
    }

    fn pool(&self, address: &str, check: impl Fn(&Config) -> Result<(), String>) -> Result<Pool, String> {
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = pools.iter().position(|(known, _)| known == address) {
            check(&pools[index].1.manager().0)?;
            pools[index..].rotate_left(1);
        } else {
            let config: Config = address.parse().map_err(|error: tokio_postgres::Error| error.to_string())?;
            check(&config)?;
            // The newest idle session is reused first, so that as few as possible stay warm.
            let pool = Pool::builder(Manager(config)).max_size(SESSIONS).queue_mode(QueueMode::Lifo);
            let pool = pool.build().map_err(|error| error.to_string())?;
            if pools.len() == ADDRESSES {
                pools.remove(0);
            }
            pools.push((address.to_owned(), pool));
        }
        Ok(pools[pools.len() - 1].1.clone())
    }
}

/// Opens sessions, and cleans used ones for the next instance.
pub struct Manager(Config);

impl deadpool::managed::Manager for Manager {
    type Type = Session;
    type Error = tokio_postgres::Error;

    async fn create(&self) -> Result<Session, tokio_postgres::Error> {
        let (client, connection) = self.0.connect(NoTls).await?;
        Ok(Session::new(client, connection))
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<tokio_postgres::Error> {
        if session.is_usable() {
            session.clean().await.map_err(RecycleError::Backend)
        } else {
            Err(RecycleError::message("the connection is lost"))
        }
    }
}
