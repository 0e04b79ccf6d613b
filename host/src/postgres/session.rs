//! One session: a connection, its prepared statements and whether it needs cleaning.

use super::failure::{chain, query_failed, query_text};
use super::values;
use crate::bindings::spin::postgres::postgres::{Column, Error, ParameterValue, RowSet};
use std::collections::HashMap;
use std::pin::pin;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, RowStream, Statement};

/// Prepared statements kept per session.
const STATEMENTS: usize = 64;

/// What Spin runs each time a session is taken from the pool. It does not roll back.
const CLEAN: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; \
     SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES;";

pub struct Session {
    client: Client,
    statements: HashMap<String, Prepared>,
    /// Counts uses, to find the statement that was not used for longest.
    clock: u64,
    /// A statement that may leave traces in the session has run since it was last cleaned.
    dirty: bool,
    /// A guest was stopped while a statement ran: nobody knows where the session stands.
    busy: bool,
}

struct Prepared {
    statement: Statement,
    used: u64,
    leaves_traces: bool,
}

type Parameters = Vec<Box<dyn ToSql + Sync + Send>>;

impl Session {
    pub fn new(client: Client) -> Self {
        Self { client, statements: HashMap::new(), clock: 0, dirty: false, busy: false }
    }

    pub fn is_usable(&self) -> bool {
        !self.client.is_closed() && !self.busy
    }

    pub async fn clean(&mut self) -> Result<(), tokio_postgres::Error> {
        if self.dirty {
            self.client.batch_execute(CLEAN).await?;
            self.dirty = false;
        }
        Ok(())
    }

    /// Runs a statement for its rows. As in Spin, errors that occur while it runs carry no SQLSTATE.
    pub async fn query(&mut self, sql: &str, params: Vec<ParameterValue>, limit: usize) -> Result<RowSet, Error> {
        let params = convert(params).map_err(Error::BadParameter)?;
        self.busy = true;
        let result = match self.start(sql, &params).await {
            Ok(rows) => collect(rows, limit).await.map_err(query_text),
            Err(error) => Err(query_failed(&error)),
        };
        self.busy = false;
        result
    }

    /// Runs a statement for its effect; answers the number of rows touched.
    pub async fn execute(&mut self, sql: &str, params: Vec<ParameterValue>) -> Result<u64, Error> {
        let params = convert(params).map_err(Error::ValueConversionFailed)?;
        self.busy = true;
        let result = self.run(sql, &params).await.map_err(|error| query_failed(&error));
        self.busy = false;
        result
    }

    async fn start(&mut self, sql: &str, params: &Parameters) -> Result<RowStream, tokio_postgres::Error> {
        let (statement, reused) = self.prepare(sql).await?;
        match self.client.query_raw(&statement, references(params)).await {
            Err(error) if reused && is_stale(&error) => {
                self.statements.remove(sql);
                let (statement, _) = self.prepare(sql).await?;
                self.client.query_raw(&statement, references(params)).await
            }
            result => result,
        }
    }

    async fn run(&mut self, sql: &str, params: &Parameters) -> Result<u64, tokio_postgres::Error> {
        let (statement, reused) = self.prepare(sql).await?;
        match self.client.execute_raw(&statement, references(params)).await {
            Err(error) if reused && is_stale(&error) => {
                self.statements.remove(sql);
                let (statement, _) = self.prepare(sql).await?;
                self.client.execute_raw(&statement, references(params)).await
            }
            result => result,
        }
    }

    /// The prepared form of a statement and whether it was prepared before.
    async fn prepare(&mut self, sql: &str) -> Result<(Statement, bool), tokio_postgres::Error> {
        self.clock += 1;
        if let Some(prepared) = self.statements.get_mut(sql) {
            prepared.used = self.clock;
            self.dirty |= prepared.leaves_traces;
            return Ok((prepared.statement.clone(), true));
        }
        let leaves_traces = leaves_traces(sql);
        self.dirty |= leaves_traces;
        let statement = self.client.prepare(sql).await?;
        if self.statements.len() == STATEMENTS
            && let Some((oldest, _)) = self.statements.iter().min_by_key(|(_, prepared)| prepared.used)
        {
            let oldest = oldest.clone();
            self.statements.remove(&oldest);
        }
        let prepared = Prepared { statement: statement.clone(), used: self.clock, leaves_traces };
        self.statements.insert(sql.to_owned(), prepared);
        Ok((statement, false))
    }
}

/// Whether a statement may change the session itself. Only a plain SELECT certainly does not, and not even that one when it calls what changes settings or takes locks.
fn leaves_traces(sql: &str) -> bool {
    let sql = sql.trim_start().to_ascii_lowercase();
    !sql.starts_with("select") || ["set_config", "advisory", " into "].iter().any(|trace| sql.contains(trace))
}

/// The schema changed under a prepared statement, or the guest discarded it. Such a statement has not run.
fn is_stale(error: &tokio_postgres::Error) -> bool {
    let Some(detail) = error.as_db_error() else {
        return false;
    };
    let replanned =
        *detail.code() == SqlState::FEATURE_NOT_SUPPORTED && detail.routine() == Some("RevalidateCachedQuery");
    replanned || *detail.code() == SqlState::INVALID_SQL_STATEMENT_NAME
}

fn convert(params: Vec<ParameterValue>) -> Result<Parameters, String> {
    params.into_iter().map(values::parameter).collect()
}

fn references(params: &Parameters) -> impl ExactSizeIterator<Item = &(dyn ToSql + Sync)> {
    params.iter().map(|param| param.as_ref() as &(dyn ToSql + Sync))
}

async fn collect(rows: RowStream, limit: usize) -> Result<RowSet, String> {
    let mut rows = pin!(rows);
    let mut set = RowSet { columns: Vec::new(), rows: Vec::new() };
    let mut size = 0;
    while let Some(row) = next(&mut rows).await {
        let row = row.map_err(|error| chain(&error))?;
        if set.rows.is_empty() {
            let column = |column: &tokio_postgres::Column| Column {
                name: column.name().to_owned(),
                data_type: values::data_type(column.type_()),
            };
            set.columns = row.columns().iter().map(column).collect();
        }
        let values = (0..row.len()).map(|index| values::value(&row, index)).collect::<Result<Vec<_>, _>>()?;
        size += values.iter().map(values::size).sum::<usize>();
        if size > limit {
            return Err(format!("query result exceeds limit of {limit} bytes"));
        }
        set.rows.push(values);
    }
    Ok(set)
}

async fn next(rows: &mut std::pin::Pin<&mut RowStream>) -> Option<Result<tokio_postgres::Row, tokio_postgres::Error>> {
    std::future::poll_fn(|context| futures::Stream::poll_next(rows.as_mut(), context)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_select_leaves_no_traces() {
        assert!(!leaves_traces("  SELECT 1"));
        assert!(!leaves_traces("select item from items_get($1)"));
        for sql in [
            "BEGIN",
            "SET a = 1",
            "select set_config('a', 'b', false)",
            "SELECT pg_advisory_lock(1)",
            "SELECT 1 INTO TEMP t",
        ] {
            assert!(leaves_traces(sql), "{sql}");
        }
    }
}
