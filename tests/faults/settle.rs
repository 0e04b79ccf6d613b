//! The end of a round: the system comes to rest, and the database is compared with what clients saw.

use std::time::{Duration, Instant};

use sqlx::PgConnection;
use support::differing_totals;
use tokio::time::sleep;

use crate::checker;
use crate::history::Seen;
use crate::system::System;
use crate::tables::Tables;

/// The outbox is empty this long after the repair.
const DRAINED: Duration = Duration::from_secs(15);
/// The most resident memory of a host when its work is done.
const MEMORY: u64 = 256 << 20;

/// Waits until nothing is under way, then compares, and returns the numbers of the round. The system was repaired at
/// `repaired`, and the load has ended.
pub async fn settle(system: &System, repaired: Instant) -> String {
    let mut connection = system.postgres.connect("checker").await.expect("connect to the database");
    while let Some(rest) = unfinished(&mut connection).await {
        if repaired.elapsed() > DRAINED {
            system.history.find(format!("{DRAINED:?} after the repair: {rest}"));
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    let drained = repaired.elapsed();
    let tables = Tables::read(&mut connection).await.expect("read the tables");
    let attempts = system.history.attempts();
    for finding in checker::compare(&attempts, &tables) {
        system.history.find(finding);
    }
    for differing in differing_totals(&system.postgres.superuser()).await.expect("compare audit_totals") {
        system.history.find(format!("audit_totals differs: {differing}"));
    }
    let memory = system.hosts.memory().await;
    if memory > MEMORY {
        system.history.find(format!("a host uses {} MiB", memory >> 20));
    }
    // Frees the write-ahead log: that of ten minutes could fill the disk.
    sqlx::query("CHECKPOINT").execute(&mut connection).await.expect("a checkpoint");
    let answered = attempts.iter().filter(|attempt| !matches!(attempt.seen, Seen::Nothing | Seen::Unavailable)).count();
    let refused = tables.events.iter().filter(|event| event.place == "refused").count();
    format!(
        "{} requests, {answered} answered, {} events ({refused} refused by audit), outbox empty after {:.1} s, {} MiB",
        attempts.len(),
        tables.events.len(),
        drained.as_secs_f32(),
        memory >> 20
    )
}

/// What is still under way: waiting events and open transactions.
async fn unfinished(connection: &mut PgConnection) -> Option<String> {
    let waiting: i64 =
        sqlx::query_scalar("SELECT count(*) FROM audit_outbox").fetch_one(&mut *connection).await.expect("the outbox");
    let query = "SELECT usename || ' ' || state || ' ' || query FROM pg_stat_activity
                  WHERE backend_type = 'client backend' AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
                    AND usename IN ('items', 'audit')";
    let open: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut *connection).await.expect("the sessions");
    let prepared: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_prepared_xacts").fetch_one(connection).await.expect("prepared");
    (waiting > 0 || !open.is_empty() || prepared > 0)
        .then(|| format!("{waiting} events wait, transactions are open: {open:?}, {prepared} prepared"))
}
