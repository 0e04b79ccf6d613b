use sqlx::postgres::PgConnection;
use sqlx::query_as;

use crate::metrics::labels::{FUNCTIONS, ROLES, TABLES, closed};

/// Five statements, none of which reads more than 10 001 rows of a table however large it is, and none of which reads content.
const TOTALS: &str = "SELECT action, outcome, events, items, delays, delay_seconds FROM audit_totals";

/// The outbox is counted up to 10 000; beyond that its span of sequence numbers stands for the count.
const PIPELINE: &str = "
    WITH head AS (SELECT seq, occurred_at FROM audit_outbox WHERE seq > (SELECT relay_passed()) ORDER BY seq LIMIT 10001)
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

/// The limit is the server's, so connections to all its databases count.
const CONNECTIONS: &str = "
    SELECT CASE WHEN usename = ANY ($1) THEN usename::text ELSE '' END, count(*)
      FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1";

/// Rows are the estimates that autovacuum works with.
const TABLE_SIZES: &str = "
    SELECT relname::text, n_live_tup, n_dead_tup, coalesce(pg_total_relation_size(relid), 0)
      FROM pg_stat_user_tables WHERE schemaname = 'public' AND relname = ANY ($1) ORDER BY 1";

/// No rows unless the server has `track_functions = all`.
const CALLS: &str = "
    SELECT funcname::text, sum(calls)::bigint, sum(total_time)::float8 / 1000
      FROM pg_stat_user_functions WHERE schemaname = 'public' AND funcname = ANY ($1) GROUP BY 1 ORDER BY 1";

/// What one look at the database found.
#[derive(Debug, Default)]
pub struct Reading {
    pub totals: Vec<Total>,
    pub pipeline: Pipeline,
    /// Bytes.
    pub size: i64,
    pub connections_allowed: i64,
    /// By role; those of nobody known are `other`.
    pub connections: Vec<(&'static str, i64)>,
    pub tables: Vec<Table>,
    pub functions: Vec<Function>,
}

/// A row of `audit_totals`.
#[derive(Debug)]
pub struct Total {
    pub action: String,
    pub outcome: String,
    pub events: i64,
    pub items: i64,
    /// Per bucket of [`Pipeline::delay_bounds`], one more for what is beyond the last.
    pub delays: Vec<i64>,
    pub delay_seconds: f64,
}

/// Outbox and relay.
#[derive(Debug, Default)]
pub struct Pipeline {
    pub waiting: i64,
    pub oldest_seconds: f64,
    pub refused: i64,
    /// Of the relay, in a row.
    pub failures: i64,
    pub delay_bounds: Vec<f64>,
}

#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    pub rows: i64,
    pub dead_rows: i64,
    /// With indexes and TOAST.
    pub bytes: i64,
}

#[derive(Debug)]
pub struct Function {
    pub name: &'static str,
    pub calls: i64,
    pub seconds: f64,
}

impl Reading {
    /// One after the other on one connection: the values may be some milliseconds apart.
    pub async fn take(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let totals: Vec<(String, String, i64, i64, Vec<i64>, f64)> =
            query_as(TOTALS).fetch_all(&mut *connection).await?;
        let (waiting, oldest_seconds, refused, failures, delay_bounds) =
            query_as(PIPELINE).fetch_one(&mut *connection).await?;
        let (size, connections_allowed) = query_as(SERVER).fetch_one(&mut *connection).await?;
        let connections: Vec<(String, i64)> = query_as(CONNECTIONS).bind(ROLES).fetch_all(&mut *connection).await?;
        let tables: Vec<(String, i64, i64, i64)> =
            query_as(TABLE_SIZES).bind(TABLES).fetch_all(&mut *connection).await?;
        let functions: Vec<(String, i64, f64)> = query_as(CALLS).bind(FUNCTIONS).fetch_all(&mut *connection).await?;

        let total = |(action, outcome, events, items, delays, delay_seconds)| Total {
            action,
            outcome,
            events,
            items,
            delays,
            delay_seconds,
        };
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
            totals: totals.into_iter().map(total).collect(),
            pipeline: Pipeline { waiting, oldest_seconds, refused, failures, delay_bounds },
            size,
            connections_allowed,
            connections: connections
                .into_iter()
                .map(|(role, count)| (closed(&ROLES, role.as_bytes()), count))
                .collect(),
            tables: tables.into_iter().map(table).collect(),
            functions: functions.into_iter().map(function).collect(),
        })
    }

    /// The sum over what `pick` takes from each total.
    pub fn sum(&self, pick: impl Fn(&Total) -> i64) -> i64 {
        self.totals.iter().map(pick).sum()
    }

    /// Events of one action and, unless it is `None`, one outcome.
    pub fn events(&self, action: &str, outcome: Option<&str>) -> i64 {
        self.sum(|total| {
            let counts = total.action == action && outcome.is_none_or(|outcome| total.outcome == outcome);
            if counts { total.events } else { 0 }
        })
    }
}
