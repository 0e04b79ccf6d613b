//! The outbox and the relay's lease, as tests arrange and watch them.

use std::time::Duration;

use crate::TestDatabase;

/// The relay's lease: who relays now, or until when nobody may.
#[derive(Debug, Clone, PartialEq)]
pub struct Lease {
    /// The relay that holds it.
    pub holder: Option<String>,
    /// Time until it ends; zero once it has ended.
    pub left: Duration,
    /// Failures in a row.
    pub failures: i32,
    /// Why the relay failed last.
    pub last_error: Option<String>,
}

impl TestDatabase {
    /// The numbers of events in the trail and in the outbox.
    pub async fn stored_and_waiting(&self) -> (i64, i64) {
        (self.count("audit_logs").await, self.count("audit_outbox").await)
    }

    /// Puts `count` events into the outbox, as operations do; their request ids, `PREFIX-1` and so on, are returned.
    /// `details` is an SQL expression of type jsonb.
    pub async fn enqueue(&self, prefix: &str, count: usize, details: &str) -> Vec<String> {
        self.run(&format!(
            "INSERT INTO audit_outbox (event_id, action, outcome, item_id, request_id, details)
             SELECT gen_random_uuid(), 'get', 'ok', n, '{prefix}-' || n, {details} FROM generate_series(1, {count}) AS n"
        ))
        .await;
        (1..=count).map(|number| format!("{prefix}-{number}")).collect()
    }

    /// Stores every second event and leaves it in the outbox, as if a host had been killed between audit's commit and
    /// the removal.
    pub async fn store_every_second_event(&self) {
        self.run("SELECT audit_store((SELECT json_agg(audit_event(o)) FROM audit_outbox o WHERE seq % 2 = 0)::text)")
            .await;
    }

    /// Reads the lease.
    pub async fn lease(&self) -> Lease {
        let query = "SELECT holder::text, failures, last_error, extract(epoch FROM greatest(held_until, clock_timestamp()) - clock_timestamp())::float8 AS left
                       FROM relay_lease";
        let row = sqlx::query_as(query).fetch_one(self.superuser()).await.expect("read the lease");
        let (holder, failures, last_error, left): (_, _, _, f64) = row;
        Lease { holder, left: Duration::from_secs_f64(left.max(0.0)), failures, last_error }
    }

    /// Takes the lease from its holder for `seconds`, and returns the new holder. More than 60 count as an error of the
    /// clock.
    pub async fn seize_lease(&self, seconds: u32) -> String {
        let until = format!("clock_timestamp() + interval '{seconds} s'");
        self.value(&format!(
            "UPDATE relay_lease SET holder = gen_random_uuid(), held_until = {until} RETURNING holder::text"
        ))
        .await
    }

    /// Ends the lease now: its holder is forgotten, a back-off is over.
    pub async fn end_lease(&self) {
        self.run("UPDATE relay_lease SET held_until = '-infinity'").await;
    }

    /// The batches stored so far: how many events each had, and the bytes of their details. Rows of one statement have
    /// the same xmin.
    pub async fn batches(&self) -> Vec<(i64, i64)> {
        let query = "SELECT count(*), sum(coalesce(octet_length(details::text), 0))::bigint FROM audit_logs GROUP BY xmin::text ORDER BY min(id)";
        sqlx::query_as(query).fetch_all(self.superuser()).await.expect("read the batches")
    }
}
