//! The relay starts behind the events it has passed, and passes no event that can still be committed.

use sqlx::{AssertSqlSafe, PgPool};
use support::{Role, SOON, TestDatabase, eventually};

use super::{CONTEXT, call, with_role};

/// More events than there are between two marks.
const MANY: usize = 6_000;

/// Delivers every event that is visible and returns their number.
async fn drain(database: &TestDatabase, items: &PgPool) -> usize {
    let holder = database.seize_lease(60).await;
    let (mut delivered, mut done) = (0, "{}".to_owned());
    loop {
        let batch = call(items, "relay_next", &format!("'{holder}', '{done}', 500")).await.expect("the holder");
        let Some(seqs) = batch["seqs"].as_array() else { return delivered };
        delivered += seqs.len();
        let numbers: Vec<String> = seqs.iter().map(ToString::to_string).collect();
        done = format!("{{{}}}", numbers.join(","));
    }
}

/// Delivers until a query, which needs transactions of other tests on this server to end, is true.
async fn drain_until(database: &TestDatabase, items: &PgPool, query: &str) {
    eventually(query, SOON, async || {
        drain(database, items).await;
        if database.value::<bool>(query).await { Ok(()) } else { Err("it is not".to_owned()) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_commits_late_is_never_passed() {
    let (database, items) = with_role(Role::Items).await;
    // The late operation would lock the row of a free lease.
    database.seize_lease(60).await;
    let mut late = database.superuser().begin().await.expect("begin");
    let delete = format!("SELECT * FROM items_delete(0, NULL, {CONTEXT})");
    sqlx::query(AssertSqlSafe(delete)).execute(&mut *late).await.expect("write an event");
    for _ in 0..3 {
        database.enqueue("early", MANY, "NULL").await;
        assert_eq!(drain(&database, &items).await, MANY);
        assert_eq!(database.value::<i64>("SELECT relay_passed()").await, 0, "the late event is not committed");
    }
    late.commit().await.expect("commit");
    assert_eq!(drain(&database, &items).await, 1);
    drain_until(&database, &items, &format!("SELECT relay_passed() > {MANY}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_snapshot_does_not_make_the_relay_step_over_all_delivered_events() {
    let (database, items) = with_role(Role::Items).await;
    let mut old = database.superuser().begin().await.expect("begin");
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(&mut *old).await.expect("isolate");
    sqlx::query("SELECT count(*) FROM items").execute(&mut *old).await.expect("take a snapshot");
    for _ in 0..4 {
        database.enqueue("r", MANY, "NULL").await;
        drain(&database, &items).await;
    }
    let few = format!("SELECT last_value - relay_passed() <= {} FROM audit_outbox_seq_seq", 2 * MANY);
    drain_until(&database, &items, &few).await;
    old.rollback().await.expect("end the snapshot");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_with_numbers_that_were_used_before_are_delivered() {
    let (database, items) = with_role(Role::Items).await;
    database.enqueue("r", 2 * MANY, "NULL").await;
    drain_until(&database, &items, "SELECT relay_passed() > 0").await;
    database.run("TRUNCATE audit_outbox RESTART IDENTITY").await;
    database.enqueue("again", 1, "NULL").await;
    database.end_lease().await;
    assert!(call(&items, "relay_take", "").await.is_some(), "one event waits");
    assert_eq!(drain(&database, &items).await, 1);
}
