//! One session: a connection and its prepared statements.

use super::bindings::spin::postgres::postgres::{Column, Error, ParameterValue, QueryError, RowSet};
use super::failure::{query_failed, with_causes};
use super::values::{self, Parameters};
use super::wire::Wire;
use futures::FutureExt as _;
use std::collections::HashMap;
use std::pin::pin;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{Client, Connection, RowStream, Socket, Statement};

/// Prepared statements kept per session; when there are more, all are prepared again.
const STATEMENTS: usize = 64;
/// The most one result may hold, in bytes, as in Spin.
const RESULT_BYTES: usize = 128 << 20;

/// What Spin runs each time a session is taken from the pool. It does not roll back.
const CLEAN: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; \
     SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES;";

/// One session with a server.
pub struct Session {
    wire: Wire,
    statements: Statements,
    /// A statement has failed since the session was last cleaned.
    failed: bool,
    /// An instance was stopped while a statement ran: the state of the session is unknown.
    busy: bool,
}

impl Session {
    /// A session over a new connection.
    pub fn new(client: Client, connection: Connection<Socket, NoTlsStream>) -> Self {
        let statements = Statements { client, prepared: HashMap::new() };
        Self { wire: Wire::new(connection), statements, failed: false, busy: false }
    }

    /// Whether another instance may use it.
    pub fn is_usable(&mut self) -> bool {
        // Notices that the server has closed the connection.
        self.wire.advance();
        !self.statements.client.is_closed() && !self.busy
    }

    /// Removes what earlier statements left in the session. Waits for the server only after a failure, which may have
    /// ended the session or its transaction; otherwise the next statement is sent together with the cleaning ones.
    pub async fn clean(&mut self) -> Result<(), tokio_postgres::Error> {
        let cleaning = self.statements.client.batch_execute(CLEAN);
        if self.failed {
            self.wire.run(cleaning).await?;
            self.failed = false;
            return Ok(());
        }
        // Handed to the connection when it is first polled.
        cleaning.now_or_never().unwrap_or(Ok(()))
    }

    /// Runs a statement for its rows.
    ///
    /// # Errors
    /// As in Spin, errors that occur while the statement runs carry no SQLSTATE.
    pub async fn query(&mut self, sql: &str, params: &[ParameterValue]) -> Result<RowSet, Error> {
        let params = values::parameters(params).map_err(Error::BadParameter)?;
        self.busy = true;
        let result = self.wire.run(self.statements.query(sql, &params)).await;
        self.busy = false;
        self.failed |= result.is_err();
        result
    }

    /// Runs a statement for its effect; returns the number of rows touched.
    ///
    /// # Errors
    /// Those of the server carry their SQLSTATE.
    pub async fn execute(&mut self, sql: &str, params: &[ParameterValue]) -> Result<u64, Error> {
        let params = values::parameters(params).map_err(Error::ValueConversionFailed)?;
        self.busy = true;
        let result = self.wire.run(self.statements.execute(sql, &params)).await;
        self.busy = false;
        self.failed |= result.is_err();
        result.map_err(|error| query_failed(&error))
    }
}

/// The client of the connection, and the statements that it has prepared.
struct Statements {
    client: Client,
    prepared: HashMap<String, Statement>,
}

impl Statements {
    async fn query(&mut self, sql: &str, params: &Parameters<'_>) -> Result<RowSet, Error> {
        let rows = self.start(sql, params).await.map_err(|error| query_failed(&error))?;
        collect(rows).await.map_err(|text| Error::QueryFailed(QueryError::Text(text)))
    }

    async fn start(&mut self, sql: &str, params: &Parameters<'_>) -> Result<RowStream, tokio_postgres::Error> {
        loop {
            let (statement, reused) = self.prepare(sql).await?;
            match self.client.query_raw(&statement, params.iter().copied()).await {
                Err(error) if reused && is_stale(&error) => drop(self.prepared.remove(sql)),
                result => return result,
            }
        }
    }

    async fn execute(&mut self, sql: &str, params: &Parameters<'_>) -> Result<u64, tokio_postgres::Error> {
        loop {
            let (statement, reused) = self.prepare(sql).await?;
            match self.client.execute_raw(&statement, params.iter().copied()).await {
                Err(error) if reused && is_stale(&error) => drop(self.prepared.remove(sql)),
                result => return result,
            }
        }
    }

    /// The prepared form of a statement, and whether it was prepared before.
    async fn prepare(&mut self, sql: &str) -> Result<(Statement, bool), tokio_postgres::Error> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok((statement.clone(), true));
        }
        let statement = self.client.prepare(sql).await?;
        if self.prepared.len() == STATEMENTS {
            self.prepared.clear();
        }
        self.prepared.insert(sql.to_owned(), statement.clone());
        Ok((statement, false))
    }
}

/// The schema changed under a prepared statement, or the component discarded it. Such a statement has not run.
fn is_stale(error: &tokio_postgres::Error) -> bool {
    let Some(detail) = error.as_db_error() else {
        return false;
    };
    let replanned =
        *detail.code() == SqlState::FEATURE_NOT_SUPPORTED && detail.routine() == Some("RevalidateCachedQuery");
    replanned || *detail.code() == SqlState::INVALID_SQL_STATEMENT_NAME
}

async fn collect(rows: RowStream) -> Result<RowSet, String> {
    let mut rows = pin!(rows);
    let mut set = RowSet { columns: Vec::new(), rows: Vec::new() };
    let mut size = 0;
    while let Some(row) = std::future::poll_fn(|context| futures::Stream::poll_next(rows.as_mut(), context)).await {
        let row = row.map_err(|error| with_causes(&error))?;
        if set.rows.is_empty() {
            let column = |column: &tokio_postgres::Column| Column {
                name: column.name().to_owned(),
                data_type: values::data_type(column.type_()),
            };
            set.columns = row.columns().iter().map(column).collect();
        }
        let values = (0..row.len()).map(|index| values::value(&row, index)).collect::<Result<Vec<_>, _>>()?;
        size += values.iter().map(values::size).sum::<usize>();
        if size > RESULT_BYTES {
            return Err(format!("query result exceeds limit of {RESULT_BYTES} bytes"));
        }
        set.rows.push(values);
    }
    Ok(set)
}
