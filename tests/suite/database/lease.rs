//! The relay's lease: one holder at a time; every operation tries to take it, and none waits for it.

use std::time::Duration;

use sqlx::PgPool;
use support::{Role, SOON, TestDatabase, Value, eventually};

use super::{CONTEXT, call, with_role};

/// Deletes nothing, which is an operation too, and returns the holder if that obtained the lease.
async fn take(items: &PgPool) -> Option<String> {
    let row = call(items, "items_delete", &format!("0, NULL, {CONTEXT}")).await.expect("a row");
    row["relay"].as_str().map(str::to_owned)
}

/// Lets the lease end in that many seconds.
async fn end_in(database: &TestDatabase, seconds: f64) {
    database.run(&format!("UPDATE relay_lease SET held_until = clock_timestamp() + interval '{seconds} s'")).await;
}

/// The next batch, for a holder that has delivered nothing yet.
async fn next(items: &PgPool, holder: &str) -> Option<Value> {
    call(items, "relay_next", &format!("'{holder}', '{{}}'")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_taken_if_it_has_ended_or_ends_more_than_a_minute_ahead() {
    let (database, items) = with_role(Role::Items).await;
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
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_lease_lasts_two_seconds_and_cannot_be_taken_again() {
    let (database, items) = with_role(Role::Items).await;
    assert!(take(&items).await.is_some());
    let left = database.lease().await.left;
    assert!(left > Duration::from_secs(1) && left <= Duration::from_secs(2), "{left:?}");
    assert_eq!(take(&items).await, None);
    assert_eq!(call(&items, "relay_take", "").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_another_transaction_is_taking_is_not_waited_for() {
    let (_database, items) = with_role(Role::Items).await;
    let mut taking = items.begin().await.expect("begin");
    let delete = "SELECT * FROM items_delete(0, NULL, 'r-1', NULL, NULL, NULL)";
    sqlx::query(delete).execute(&mut *taking).await.expect("take the lease");
    assert_eq!(take(&items).await, None);
    taking.rollback().await.expect("roll back");
    eventually("the lease is free", SOON, async || take(&items).await.map(drop).ok_or("it is not".to_owned())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_take_does_not_take_the_lease_when_the_outbox_is_empty() {
    let (database, items) = with_role(Role::Items).await;
    assert_eq!(call(&items, "relay_take", "").await, None);
    database.enqueue("r", 1, "NULL").await;
    assert!(call(&items, "relay_take", "").await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_holder_can_neither_read_nor_remove_nor_release() {
    let (database, items) = with_role(Role::Items).await;
    database.enqueue("r", 3, "NULL").await;
    let former = take(&items).await.expect("the lease is free");
    end_in(&database, -1.0).await;
    let holder = take(&items).await.expect("the lease has expired");
    let lease = "SELECT holder || ' ' || held_until || ' ' || failures FROM relay_lease";
    let before: String = database.value(lease).await;
    let all = "(SELECT array_agg(n) FROM generate_series(1, 100) n)";
    assert_eq!(call(&items, "relay_next", &format!("'{former}', {all}")).await, None);
    for (function, arguments) in [
        ("relay_release", format!("'{former}', {all}")),
        ("relay_fail", format!("'{former}', 'reason'")),
        ("relay_refuse", format!("'{former}', 1, 'reason'")),
    ] {
        assert_eq!(call(&items, function, &arguments).await, Some("".into()), "{function} returns nothing");
    }
    assert_eq!(database.count("audit_outbox").await, 5);
    assert_eq!(database.count("audit_refused").await, 0);
    assert_eq!(database.value::<String>(lease).await, before);
    assert!(next(&items, &holder).await.is_some(), "the holder goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn fetching_a_batch_renews_the_lease() {
    let (database, items) = with_role(Role::Items).await;
    database.enqueue("r", 1, "NULL").await;
    let holder = take(&items).await.expect("the lease is free");
    end_in(&database, 0.9).await;
    next(&items, &holder).await.expect("still the holder");
    let left = database.lease().await.left;
    assert!(left > Duration::from_secs(1), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_back_off_from_one_second_to_thirty_and_a_delivery_resets_them() {
    let (database, items) = with_role(Role::Items).await;
    database.enqueue("r", 2, "NULL").await;
    for expected in [1, 2, 4, 8, 16, 30, 30] {
        database.end_lease().await;
        let holder = take(&items).await.expect("the lease is free");
        call(&items, "relay_fail", &format!("'{holder}', 'no answer'")).await;
        let (left, expected) = (database.lease().await.left, Duration::from_secs(expected));
        assert!(left > expected - Duration::from_millis(900) && left <= expected, "{left:?}, not {expected:?}");
        assert_eq!(take(&items).await, None, "nobody relays during the back-off");
    }
    assert_eq!(database.lease().await.last_error.as_deref(), Some("no answer"));

    database.end_lease().await;
    let holder = take(&items).await.expect("the lease is free");
    let batch = next(&items, &holder).await.expect("the holder");
    assert_eq!(database.lease().await.failures, 7, "taking the lease is not a success yet");
    call(&items, "relay_next", &format!("'{holder}', '{{{}}}'", batch["seqs"][0])).await;
    assert_eq!(database.lease().await.failures, 0);
}
