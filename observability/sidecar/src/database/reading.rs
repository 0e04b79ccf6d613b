//! One reading of the database: seven statements on one connection, so their values may be milliseconds apart. None of
//! them counts more than 10 001 rows of a table, however large it is, and none reads content.

use sqlx::postgres::PgConnection;
use sqlx::{Error, query, query_as};

use crate::metrics::known::{FUNCTIONS, OBSTACLES, ROLES, TABLES, closed};

/// Fails unless an operation can be done. It writes one row and removes it.
const READY: &str = "SELECT database_ready()";

const TOTALS: &str = "SELECT action, outcome, events, items, delays, delay_seconds FROM audit_totals";

/// Above 10 000 events, the range of sequence numbers stands for the count of the outbox.
const PIPELINE: &str = "
    WITH head AS (
        SELECT seq, occurred_at FROM audit_outbox WHERE seq > (SELECT relay_passed()) ORDER BY seq LIMIT 10001)
    SELECT CASE WHEN count(*) <= 10000 THEN count(*) ELSE (SELECT max(seq) FROM audit_outbox) - min(seq) + 1 END,
           coalesce(greatest(extract(epoch FROM clock_timestamp() - min(occurred_at)), 0), 0)::float8,
           (SELECT count(*) FROM (SELECT refused_at FROM audit_refused LIMIT 10001) refused),
           coalesce((SELECT failures FROM relay_lease), 0)::bigint,
           audit_delay_bounds()
      FROM head";

const SERVER: &str = "
    SELECT pg_database_size(current_database()),
           current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint
               - coalesce(current_setting('reserved_connections', true)::bigint, 0)";

/// The limit on connections is the server's, so connections to its other databases count too.
const CONNECTIONS: &str = "
    SELECT CASE WHEN usename = ANY ($1) THEN usename::text ELSE '' END, count(*)
      FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1";

const TABLE_SIZES: &str = "
    SELECT relname::text, n_live_tup, n_dead_tup, coalesce(pg_total_relation_size(relid), 0)
      FROM pg_stat_user_tables WHERE schemaname = 'public' AND relname = ANY ($1) ORDER BY 1";

/// Returns no rows unless the server has `track_functions = all`.
const CALLS: &str = "
    SELECT funcname::text, sum(calls)::bigint, sum(total_time)::float8 / 1000
      FROM pg_stat_user_functions WHERE schemaname = 'public' AND funcname = ANY ($1) GROUP BY 1 ORDER BY 1";

/// The values of one reading.
#[derive(Debug, Default)]
pub struct Reading {
    /// Why no operation can be done, in the database's words; `None` if one can.
    pub obstacle: Option<String>,
    /// The rows of `audit_totals`.
    pub totals: Vec<Total>,
    /// Upper bounds of the delays that `audit_totals` counts, in seconds.
    pub delay_bounds: Vec<f64>,
    /// Events in the outbox.
    pub outbox_events: i64,
    /// Age of the oldest event in the outbox.
    pub outbox_oldest_seconds: f64,
    /// Rows of `audit_refused`.
    pub refused_events: i64,
    /// Failed deliveries since the last successful one.
    pub relay_failures: i64,
    /// Of the database, in bytes.
    pub size: i64,
    /// For all roles but superusers together.
    pub connections_allowed: i64,
    /// How many, by role; those of unknown roles are `other`.
    pub connections: Vec<(&'static str, i64)>,
    /// In order of their names.
    pub tables: Vec<Table>,
    /// In order of their names; empty where the server does not count calls.
    pub functions: Vec<Function>,
}

/// A row of `audit_totals`.
#[derive(Debug)]
pub struct Total {
    /// What was done, such as `create`.
    pub action: String,
    /// What came of it, such as `ok`.
    pub outcome: String,
    /// Events stored.
    pub events: i64,
    /// Items read for the responses of these operations.
    pub items: i64,
    /// Events for each bucket of [`Reading::delay_bounds`], and one more count for those above the last bound.
    pub delays: Vec<i64>,
    /// The delays of all events together.
    pub delay_seconds: f64,
}

/// A table on disk. Its rows are autovacuum's estimates.
#[derive(Debug)]
pub struct Table {
    /// Without the schema.
    pub name: &'static str,
    /// Live rows.
    pub rows: i64,
    /// Rows to be vacuumed.
    pub dead_rows: i64,
    /// With indexes and TOAST.
    pub bytes: i64,
}

/// What the server counted about a function since its statistics were reset.
#[derive(Debug)]
pub struct Function {
    /// Without the schema.
    pub name: &'static str,
    /// Completed calls.
    pub calls: i64,
    /// Time in the function and its callees.
    pub seconds: f64,
}

impl Reading {
    /// Reads the database.
    ///
    /// # Errors
    /// At the first statement that fails, but for [`READY`].
    pub async fn take(connection: &mut PgConnection) -> Result<Self, Error> {
        let obstacle = match query(READY).execute(&mut *connection).await {
            // The schema of the release before has no such function.
            Err(Error::Database(error)) if error.code().as_deref() == Some("42883") => None,
            Err(Error::Database(error)) => Some(error.message().to_owned()),
            ready => ready.map(|_| None)?,
        };
        let totals: Vec<(_, _, _, _, _, _)> = query_as(TOTALS).fetch_all(&mut *connection).await?;
        let (outbox_events, outbox_oldest_seconds, refused_events, relay_failures, delay_bounds) =
            query_as(PIPELINE).fetch_one(&mut *connection).await?;
        let (size, connections_allowed) = query_as(SERVER).fetch_one(&mut *connection).await?;
        let connections: Vec<(String, _)> = query_as(CONNECTIONS).bind(ROLES).fetch_all(&mut *connection).await?;
        let tables: Vec<(String, _, _, _)> = query_as(TABLE_SIZES).bind(TABLES).fetch_all(&mut *connection).await?;
        let functions: Vec<(String, _, _)> = query_as(CALLS).bind(FUNCTIONS).fetch_all(&mut *connection).await?;

        let total = |(action, outcome, events, items, delays, delay_seconds)| Total {
            action,
            outcome,
            events,
            items,
            delays,
            delay_seconds,
        };
        let connection = |(role, count): (String, _)| (closed(&ROLES, role.as_bytes()), count);
        let table = |(name, rows, dead_rows, bytes): (String, _, _, _)| Table {
            name: closed(&TABLES, name.as_bytes()),
            rows,
            dead_rows,
            bytes,
        };
        let function = |(name, calls, seconds): (String, _, _)| Function {
            name: closed(&FUNCTIONS, name.as_bytes()),
            calls,
            seconds,
        };
        Ok(Self {
            obstacle,
            totals: totals.into_iter().map(total).collect(),
            delay_bounds,
            outbox_events,
            outbox_oldest_seconds,
            refused_events,
            relay_failures,
            size,
            connections_allowed,
            connections: connections.into_iter().map(connection).collect(),
            tables: tables.into_iter().map(table).collect(),
            functions: functions.into_iter().map(function).collect(),
        })
    }

    /// `ok` if an operation can be done, otherwise what prevents it, out of a closed set.
    pub fn state(&self) -> &'static str {
        let Some(obstacle) = &self.obstacle else { return "ok" };
        let reason = obstacle.strip_prefix("not ready: ");
        OBSTACLES.into_iter().find(|known| reason == Some(known)).unwrap_or("failing")
    }

    /// The sum of one value of each total.
    pub fn sum(&self, value: impl Fn(&Total) -> i64) -> i64 {
        self.totals.iter().map(value).sum()
    }

    /// The number of events with this action and, unless it is `None`, this outcome.
    pub fn events(&self, action: &str, outcome: Option<&str>) -> i64 {
        self.sum(|total| {
            let counts = total.action == action && outcome.is_none_or(|outcome| total.outcome == outcome);
            if counts { total.events } else { 0 }
        })
    }
}
