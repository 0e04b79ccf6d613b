//! Sessions with the database, and the statements that they have prepared.

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use shared::Error;
use shared::error::Cause;
use tokio_postgres::types::ToSql;
use tokio_postgres::{NoTls, Row};

/// As many as Spin keeps per address.
const SESSIONS: usize = 64;

/// A pool of sessions. Nothing cleans a session between requests: only this program's statements use it.
#[derive(Clone)]
pub struct Sessions(Pool);

impl Sessions {
    /// A pool for the database at `url`; it opens sessions when they are needed.
    pub fn open(url: &str) -> anyhow::Result<Self> {
        let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(url.parse()?, NoTls, config);
        Ok(Self(Pool::builder(manager).max_size(SESSIONS).build()?))
    }

    /// Runs a statement that returns at most one row.
    ///
    /// # Errors
    /// [`Error::Connect`] or [`Error::Statement`], as in the components.
    pub async fn query(
        &self,
        statement: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, Error> {
        let session = self.0.get().await.map_err(|error| Error::Connect(Cause(error.to_string())))?;
        let result = match session.prepare_cached(statement).await {
            Ok(prepared) => session.query_opt(&prepared, parameters).await,
            Err(error) => Err(error),
        };
        result.map_err(|error| Error::Statement {
            statement,
            code: error.code().map(|code| code.code().to_owned()),
            cause: Cause(error.to_string()),
        })
    }
}
