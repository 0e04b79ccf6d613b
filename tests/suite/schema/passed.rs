//! The relay starts behind what it has passed, and passes nothing that can still come.

use sqlx::{AssertSqlSafe, PgPool};
use support::{Role, SOON, TestDatabase, eventually};

use super::{CONTEXT, call, value};

/// More events than there are between two marks.
const MANY: usize = 6_000;

/// Delivers all that is to be seen; gives how much that was.
async fn drain(database: &TestDatabase, items: &PgPool) -> usize {
    let holder = database.seize_lease(60).await;
    let (mut delivered, mut done) = (0, "{}".to_owned());
    loop {
        let batch = call(items, "relay_next", &format!("'{holder}', '{done}'")).await.expect("the holder");
        let Some(seqs) = batch["seqs"].as_array() else { return delivered };
        delivered += seqs.len();
        let numbers: Vec<String> = seqs.iter().map(ToString::to_string).collect();
        done = format!("{{{}}}", numbers.join(","));
    }
}

async fn passed(database: &TestDatabase) -> i64 {
    value(database, "SELECT relay_passed()").await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_commits_late_is_never_passed() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    // Held, so that the late one does not keep the lease's row.
    database.seize_lease(60).await;
    let mut late = database.look().begin().await.expect("begin");
    let delete = format!("SELECT * FROM items_delete(0, NULL, {CONTEXT})");
    sqlx::query(AssertSqlSafe(delete)).execute(&mut *late).await.expect("write an event");
    for _ in 0..3 {
        database.enqueue("early", MANY, "NULL").await;
        assert_eq!(drain(&database, &items).await, MANY);
        assert_eq!(passed(&database).await, 0, "the event in between is not there yet");
    }
    late.commit().await.expect("commit");
    assert_eq!(drain(&database, &items).await, 1);
    eventually("nothing is in the way any more", SOON, async || {
        drain(&database, &items).await;
        let passed = passed(&database).await;
        if passed > MANY as i64 { Ok(()) } else { Err(format!("passed {passed}")) }
    })
    .await;
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_snapshot_does_not_make_the_relay_step_over_all_that_was() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    let mut old = database.look().begin().await.expect("begin");
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(&mut *old).await.expect("isolate");
    sqlx::query("SELECT count(*) FROM items").execute(&mut *old).await.expect("take a snapshot");
    for _ in 0..4 {
        database.enqueue("r", MANY, "NULL").await;
        drain(&database, &items).await;
    }
    // Transactions of other tests, on the same server, may be under way.
    eventually("the relay starts behind what is gone", SOON, async || {
        drain(&database, &items).await;
        let behind: i64 = value(&database, "SELECT last_value - relay_passed() FROM audit_outbox_seq_seq").await;
        if behind <= 2 * MANY as i64 { Ok(()) } else { Err(format!("{behind} events are looked at again each time")) }
    })
    .await;
    old.rollback().await.expect("end the snapshot");
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_numbered_anew_are_not_taken_for_passed_ones() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    database.enqueue("r", 2 * MANY, "NULL").await;
    eventually("events are passed", SOON, async || {
        drain(&database, &items).await;
        if passed(&database).await > 0 { Ok(()) } else { Err("none".to_owned()) }
    })
    .await;
    database.run("TRUNCATE audit_outbox RESTART IDENTITY").await;
    database.enqueue("anew", 1, "NULL").await;
    database.end_lease().await;
    assert!(call(&items, "relay_take", "").await.is_some(), "one waits");
    assert_eq!(drain(&database, &items).await, 1);
    items.close().await;
}
