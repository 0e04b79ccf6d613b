//! After a run: everything comes to rest, and what is left is compared with what clients were told.

use std::fmt;
use std::time::{Duration, Instant};

use sqlx::PgConnection;
use support::differing_totals;
use tokio::time::sleep;

use crate::checker;
use crate::history::Told;
use crate::tables::Tables;
use crate::world::World;

/// The outbox is empty this long after everything is sound again.
const DRAINED: Duration = Duration::from_secs(15);
/// No host holds more resident memory than this once its work is done.
const MEMORY: u64 = 256 << 20;

/// What came of a run, in numbers.
pub struct Settled {
    pub drained: Duration,
    pub requests: usize,
    /// Of those, answered with a known outcome.
    pub answered: usize,
    pub events: usize,
    pub refused: usize,
    pub memory: u64,
}

impl fmt::Display for Settled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settled { drained, requests, answered, events, refused, memory } = self;
        write!(
            f,
            "{requests} requests, {answered} answered, {events} events ({refused} refused by audit), outbox empty after {:.1} s, {} MiB",
            drained.as_secs_f32(),
            memory >> 20,
        )
    }
}

/// Waits until nothing is under way, then compares. Everything must be sound, since `sound`, and the load over.
pub async fn settle(world: &World, sound: Instant) -> Settled {
    let mut connection = world.postgres.connect("checker").await.expect("connect to the database");
    while let Some(rest) = unfinished(&mut connection).await {
        if sound.elapsed() > DRAINED {
            world.findings.add(format!("{DRAINED:?} after everything was sound again: {rest}"));
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    let drained = sound.elapsed();
    let tables = Tables::read(&mut connection).await.expect("read the tables");
    let attempts = world.client.history.attempts();
    for finding in checker::compare(&attempts, &tables) {
        world.findings.add(finding);
    }
    for differing in differing_totals(&world.postgres.look()).await.expect("compare audit_totals") {
        world.findings.add(format!("audit_totals differs: {differing}"));
    }
    let memory = world.hosts.memory().await;
    if memory > MEMORY {
        world.findings.add(format!("a host holds {} MiB", memory >> 20));
    }
    // So that ten minutes of log do not fill the disk on their own.
    sqlx::query("CHECKPOINT").execute(&mut connection).await.expect("a checkpoint");
    Settled {
        drained,
        requests: attempts.len(),
        answered: attempts.iter().filter(|attempt| !matches!(attempt.told, Told::Nothing | Told::Unavailable)).count(),
        events: tables.events.len(),
        refused: tables.events.iter().filter(|event| event.place == "refused").count(),
        memory,
    }
}

/// What is still under way: events that wait, transactions that are open, statements that run.
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
