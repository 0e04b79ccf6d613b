//! The queue between the two services: batches, delivery, refusal.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use support::{Role, TestDatabase};

use super::{CONTEXT, call, value};

async fn holder(items: &PgPool) -> String {
    let taken = call(items, "relay_take", "").await.expect("the lease is free and something waits");
    taken.as_str().map(str::to_owned).expect("a holder")
}

/// One batch: its sequence numbers and its events.
async fn next(items: &PgPool, holder: &str, done: &[i64]) -> (Vec<i64>, Vec<Value>) {
    let done: Vec<String> = done.iter().map(i64::to_string).collect();
    let batch = call(items, "relay_next", &format!("'{holder}', '{{{}}}'", done.join(","))).await.expect("the holder");
    let Some(text) = batch["events"].as_str() else { return Default::default() };
    let events: Vec<Value> = serde_json::from_str(text).expect("events are a JSON array");
    let seqs: Vec<i64> = serde_json::from_value(batch["seqs"].clone()).expect("numbers");
    assert_eq!(seqs.len(), events.len());
    assert!(text.len() <= 1 << 20 || events.len() == 1, "{} events in {} bytes", events.len(), text.len());
    (seqs, events)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_holds_at_most_500_events_and_the_oldest_first() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    database.enqueue("r", 1001, "NULL").await;
    let holder = holder(&items).await;
    let (mut seen, mut sizes, mut done) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let (seqs, events) = next(&items, &holder, &done).await;
        if seqs.is_empty() {
            break;
        }
        seen.extend(events.iter().map(|event| event["request_id"].clone()));
        sizes.push(seqs.len());
        done = seqs;
    }
    assert_eq!(sizes, [500, 500, 1]);
    assert_eq!(seen, (1..=1001).map(|n| json!(format!("r-{n}"))).collect::<Vec<_>>());
    assert_eq!(database.count("audit_outbox").await, 0);
    assert!(
        value::<bool>(&database, "SELECT holder IS NULL AND held_until < now() FROM relay_lease").await,
        "a drained queue releases the lease"
    );
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_holds_at_most_a_mebibyte_but_at_least_one_event() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    database.enqueue("r", 3, "to_jsonb(repeat('x', 400000))").await;
    database.enqueue("r", 1, "to_jsonb(repeat('x', 2000000))").await;
    database.enqueue("r", 1, "NULL").await;
    let holder = holder(&items).await;
    let (mut sizes, mut done) = (Vec::new(), Vec::new());
    loop {
        done = next(&items, &holder, &done).await.0;
        if done.is_empty() {
            break;
        }
        sizes.push(done.len());
    }
    assert_eq!(sizes, [2, 1, 1, 1]);
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_holds_one_event_where_only_one_is_asked_for() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    database.enqueue("r", 3, "NULL").await;
    let holder = holder(&items).await;
    let batch = call(&items, "relay_next", &format!("'{holder}', '{{}}', 1")).await.expect("the holder");
    assert_eq!(batch["seqs"], json!([1]));
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_removal_does_not_wait_for_the_disk_and_nothing_after_it_in_the_session() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    database.enqueue("r", 1, "NULL").await;
    let holder = holder(&items).await;
    // One session, as hosts keep them; the servers of tests wait for no disk by themselves.
    let mut session = items.acquire().await.expect("a session");
    let waits = "SELECT current_setting('synchronous_commit')";
    sqlx::query("SET synchronous_commit = on").execute(&mut *session).await.expect("set");
    let next = format!("SELECT current_setting('synchronous_commit') FROM relay_next('{holder}', '{{}}')");
    let during: String = sqlx::query_scalar(AssertSqlSafe(next)).fetch_one(&mut *session).await.expect("the holder");
    let after: String = sqlx::query_scalar(waits).fetch_one(&mut *session).await.expect("a setting");
    assert_eq!((&*during, &*after), ("off", "on"));
    drop(session);
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_numbered_in_the_order_of_time() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    let begun: i64 = value(&database, "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint").await;
    for _ in 0..3 {
        call(&items, "items_get", &format!("1, NULL, {CONTEXT}")).await;
    }
    let ids: Vec<String> = sqlx::query_scalar("SELECT event_id::text FROM audit_outbox ORDER BY seq")
        .fetch_all(database.look())
        .await
        .expect("read the events");
    // The first 48 bits; within one millisecond the order is left to chance.
    assert!(ids.is_sorted_by_key(|id| &id[..13]), "{ids:?}");
    for id in ids {
        let made = i64::from_str_radix(&id[..13].replace('-', ""), 16).expect("hexadecimal digits");
        assert!((begun..begun + 60_000).contains(&made), "{id} is of {made}, not of {begun}");
        assert!(id[14..].starts_with('7') && "89ab".contains(&id[19..20]), "{id} is of version 7, variant 1");
    }
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_delivered_is_given_again() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    database.enqueue("r", 3, "NULL").await;
    let holder = holder(&items).await;
    let (seqs, _) = next(&items, &holder, &[]).await;
    assert_eq!(next(&items, &holder, &seqs[..1]).await.0, seqs[1..]);
    call(&items, "relay_release", &format!("'{holder}', '{{{}}}'", seqs[1])).await;
    let successor = self::holder(&items).await;
    assert_ne!(successor, holder);
    assert_eq!(next(&items, &successor, &[]).await.0, seqs[2..]);
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_event_leaves_the_queue_and_keeps_its_reason() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    database.enqueue("r", 3, "'{\"items\": 7}'::jsonb").await;
    let holder = holder(&items).await;
    let (seqs, events) = next(&items, &holder, &[]).await;
    call(&items, "relay_refuse", &format!("'{holder}', {}, 'too odd'", seqs[1])).await;
    assert_eq!(next(&items, &holder, &[]).await.0, [seqs[0], seqs[2]]);
    assert_eq!(value::<String>(&database, "SELECT reason FROM audit_refused").await, "too odd");
    let kept: String = value(&database, "SELECT event::text FROM audit_refused").await;
    assert_eq!(serde_json::from_str::<Value>(&kept).expect("the event"), events[1]);
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_says_how_far_the_queue_is_behind() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    let idle = call(&items, "items_ready", "").await.expect("a row");
    assert_eq!(idle, json!({ "waiting": 0, "oldest_seconds": 0, "failing": false, "relay": null }));

    database.enqueue("r", 10_050, "NULL").await;
    database.run("UPDATE audit_outbox SET occurred_at = now() - interval '1 minute'").await;
    database.run("UPDATE relay_lease SET failures = 1").await;
    let behind = call(&items, "items_ready", "").await.expect("a row");
    assert_eq!((&behind["waiting"], &behind["failing"]), (&json!(10_001), &json!(true)));
    let oldest = behind["oldest_seconds"].as_f64().expect("seconds");
    assert!((60.0..70.0).contains(&oldest), "{oldest}");
    assert!(behind["relay"].is_string(), "a readiness check relays too");
    items.close().await;
}
