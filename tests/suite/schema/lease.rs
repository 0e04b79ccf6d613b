//! Who may relay: one at a time, taken and never waited for.

use serde_json::Value;
use sqlx::PgPool;
use support::{Role, SOON, TestDatabase, eventually};

use super::{CONTEXT, call, value};

/// Deletes nothing, and says whether the lease was obtained.
async fn take(items: &PgPool) -> Option<String> {
    let answer = call(items, "items_delete", &format!("0, NULL, {CONTEXT}")).await.expect("a row");
    answer["relay"].as_str().map(str::to_owned)
}

async fn held_for(database: &TestDatabase) -> f64 {
    value(database, "SELECT extract(epoch FROM held_until - clock_timestamp())::float8 FROM relay_lease").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_taken_when_it_is_free_or_expired_or_absurdly_far_ahead() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    for (held_until, free) in [
        ("'-infinity'", true),
        ("clock_timestamp() - interval '1 ms'", true),
        ("clock_timestamp() + interval '30 s'", false),
        ("clock_timestamp() + interval '59 s'", false),
        ("clock_timestamp() + interval '61 s'", true),
        ("'infinity'", true),
    ] {
        database.run(&format!("UPDATE relay_lease SET holder = NULL, held_until = {held_until}")).await;
        assert_eq!(take(&items).await.is_some(), free, "held until {held_until}");
    }
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_lease_lasts_two_seconds_and_nobody_else_gets_it() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    assert!(take(&items).await.is_some());
    let held = held_for(&database).await;
    assert!(held > 1.0 && held <= 2.0, "held for {held} s");
    assert_eq!(take(&items).await, None);
    assert_eq!(call(&items, "relay_take", "").await, None);
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_another_transaction_is_taking_is_not_waited_for() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    let mut taking = items.begin().await.expect("begin");
    sqlx::query("SELECT * FROM items_delete(0, NULL, 'r-1', NULL, NULL, NULL)")
        .execute(&mut *taking)
        .await
        .expect("take the lease");
    assert_eq!(take(&items).await, None);
    taking.rollback().await.expect("roll back");
    eventually("a lease that was not taken after all is free", SOON, async || {
        take(&items).await.map(drop).ok_or_else(|| "it is not".to_owned())
    })
    .await;
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_take_leaves_the_lease_alone_when_nothing_waits() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    assert_eq!(call(&items, "relay_take", "").await, None);
    database.enqueue("r", 1, "NULL").await;
    assert!(call(&items, "relay_take", "").await.is_some());
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_holder_can_neither_read_nor_remove_nor_release() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    database.enqueue("r", 3, "NULL").await;
    let former = take(&items).await.expect("the lease is free");
    database.run("UPDATE relay_lease SET held_until = clock_timestamp() - interval '1 s'").await;
    let holder = take(&items).await.expect("the lease has expired");
    let lease = "SELECT holder || ' ' || held_until || ' ' || failures FROM relay_lease";
    let before: String = value(&database, lease).await;
    let all = "(SELECT array_agg(n) FROM generate_series(1, 100) n)";
    assert_eq!(call(&items, "relay_next", &format!("'{former}', {all}")).await, None);
    for (function, arguments) in [
        ("relay_release", format!("'{former}', {all}")),
        ("relay_fail", format!("'{former}', 'reason'")),
        ("relay_refuse", format!("'{former}', 1, 'reason'")),
    ] {
        assert_eq!(call(&items, function, &arguments).await, Some(Value::from("")), "{function} gives nothing");
    }
    assert_eq!(database.count("audit_outbox").await, 5);
    assert_eq!(database.count("audit_refused").await, 0);
    assert_eq!(value::<String>(&database, lease).await, before);
    assert!(call(&items, "relay_next", &format!("'{holder}', '{{}}'")).await.is_some(), "the holder goes on");
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_at_work_renews_its_lease() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    database.enqueue("r", 1, "NULL").await;
    let holder = take(&items).await.expect("the lease is free");
    database.run("UPDATE relay_lease SET held_until = clock_timestamp() + interval '0.9 s'").await;
    call(&items, "relay_next", &format!("'{holder}', '{{}}'")).await.expect("still the holder");
    let held = held_for(&database).await;
    assert!(held > 1.0, "held for {held} s");
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_back_off_from_one_second_to_thirty_and_success_forgets_them() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    database.enqueue("r", 2, "NULL").await;
    for expected in [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] {
        database.run("UPDATE relay_lease SET held_until = '-infinity'").await;
        let holder = take(&items).await.expect("the lease is free");
        call(&items, "relay_fail", &format!("'{holder}', 'no answer'")).await;
        let held = held_for(&database).await;
        assert!(held > expected - 0.9 && held <= expected, "{held} s instead of {expected} s");
        assert_eq!(take(&items).await, None, "nobody relays while the back-off lasts");
    }
    assert_eq!(value::<String>(&database, "SELECT last_error FROM relay_lease").await, "no answer");

    database.run("UPDATE relay_lease SET held_until = '-infinity'").await;
    let holder = take(&items).await.expect("the lease is free");
    let batch = call(&items, "relay_next", &format!("'{holder}', '{{}}'")).await.expect("the holder");
    assert_eq!(value::<i32>(&database, "SELECT failures FROM relay_lease").await, 7, "taking the lease is no success");
    call(&items, "relay_next", &format!("'{holder}', '{{{}}}'", batch["seqs"][0])).await;
    assert_eq!(value::<i32>(&database, "SELECT failures FROM relay_lease").await, 0);
    items.close().await;
}
