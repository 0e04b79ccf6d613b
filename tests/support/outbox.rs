//! Arranging and watching the outbox and the relay's lease.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Row};

use crate::TestDatabase;

/// Who relays, or until when nobody may.
#[derive(Debug, Clone, PartialEq)]
pub struct Lease {
    pub holder: Option<String>,
    /// How far ahead its end is; nothing when it is over.
    pub left: Duration,
    pub failures: i32,
    pub last_error: Option<String>,
}

impl TestDatabase {
    /// Changes or reads something as the superuser; gives the number of rows.
    ///
    /// # Panics
    /// When the statement fails.
    pub async fn run(&self, statement: &str) -> u64 {
        let done = sqlx::query(AssertSqlSafe(statement)).execute(self.look()).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}")).rows_affected()
    }

    /// Puts `count` events into the outbox, as if operations had written them; their request ids are `PREFIX-1` and so on. `details` is
    /// SQL for a value of type jsonb.
    pub async fn enqueue(&self, prefix: &str, count: usize, details: &str) -> Vec<String> {
        self.run(&format!(
            "INSERT INTO audit_outbox (event_id, action, outcome, item_id, request_id, details)
             SELECT gen_random_uuid(), 'get', 'ok', n, '{prefix}-' || n, {details} FROM generate_series(1, {count}) AS n"
        ))
        .await;
        (1..=count).map(|number| format!("{prefix}-{number}")).collect()
    }

    pub async fn lease(&self) -> Lease {
        let query = "SELECT holder::text, failures, last_error,
                            extract(epoch FROM greatest(held_until, clock_timestamp()) - clock_timestamp())::double precision AS left
                       FROM relay_lease";
        let row = sqlx::query(query).fetch_one(self.look()).await.expect("read the lease");
        Lease {
            holder: row.get("holder"),
            left: Duration::from_secs_f64(row.get::<f64, _>("left").max(0.0)),
            failures: row.get("failures"),
            last_error: row.get("last_error"),
        }
    }

    /// Takes the lease, whoever has it, and gives its new holder. It ends in `seconds`, at most 60.
    pub async fn seize_lease(&self, seconds: u32) -> String {
        let query = "UPDATE relay_lease SET holder = gen_random_uuid(), held_until = clock_timestamp() + make_interval(secs => $1) RETURNING holder::text";
        sqlx::query_scalar(query).bind(f64::from(seconds)).fetch_one(self.look()).await.expect("take the lease")
    }

    /// Lets the lease end now: a holder that died is forgotten, a back-off is over.
    pub async fn end_lease(&self) {
        self.run("UPDATE relay_lease SET held_until = '-infinity'").await;
    }

    /// How many events each batch stored so far held, and the bytes of their details: what one statement stored has one xmin.
    pub async fn batches(&self) -> Vec<(i64, i64)> {
        let query = "SELECT count(*), sum(coalesce(octet_length(details::text), 0))::bigint FROM audit_logs GROUP BY xmin::text ORDER BY min(id)";
        sqlx::query_as(query).fetch_all(self.look()).await.expect("read the batches")
    }
}
