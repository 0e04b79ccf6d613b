//! The outbox: what a batch holds, what leaves it, and how readiness sees it.

use sqlx::{AssertSqlSafe, PgPool};
use support::{Role, Value, json};

use super::{CONTEXT, call, with_role};

/// Takes the lease.
async fn take(items: &PgPool) -> String {
    let taken = call(items, "relay_take", "").await.expect("the lease is free and an event waits");
    taken.as_str().map(str::to_owned).expect("a holder")
}

/// Removes `done` and fetches the next batch: its sequence numbers and its events.
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
async fn a_batch_has_at_most_a_mebibyte_but_at_least_one_event() {
    let (database, items) = with_role(Role::Items).await;
    database.enqueue("r", 3, "to_jsonb(repeat('x', 400000))").await;
    database.enqueue("r", 1, "to_jsonb(repeat('x', 2000000))").await;
    database.enqueue("r", 1, "NULL").await;
    let holder = take(&items).await;
    let (mut sizes, mut done) = (Vec::new(), Vec::new());
    loop {
        done = next(&items, &holder, &done).await.0;
        if done.is_empty() {
            break;
        }
        sizes.push(done.len());
    }
    assert_eq!(sizes, [2, 1, 1, 1]);
    assert_eq!(database.count("audit_outbox").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_has_one_event_if_one_is_requested() {
    let (database, items) = with_role(Role::Items).await;
    database.enqueue("r", 3, "NULL").await;
    let holder = take(&items).await;
    let batch = call(&items, "relay_next", &format!("'{holder}', '{{}}', 1")).await.expect("the holder");
    assert_eq!(batch["seqs"], json!([1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_removal_does_not_wait_for_the_disk_and_no_later_statement_of_the_session() {
    let (database, items) = with_role(Role::Items).await;
    database.enqueue("r", 1, "NULL").await;
    let holder = take(&items).await;
    // Hosts keep one session for many statements. Test servers never wait for the disk unless a session asks for it.
    let mut session = items.acquire().await.expect("a session");
    let setting = "current_setting('synchronous_commit')";
    sqlx::query("SET synchronous_commit = on").execute(&mut *session).await.expect("set");
    let mut values = Vec::new();
    for query in [format!("SELECT {setting} FROM relay_next('{holder}', '{{}}')"), format!("SELECT {setting}")] {
        let value = sqlx::query_scalar::<_, String>(AssertSqlSafe(query)).fetch_one(&mut *session).await;
        values.push(value.expect("a setting"));
    }
    assert_eq!(values, ["off", "on"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn event_ids_are_uuids_of_version_7_in_the_order_of_time() {
    let (database, items) = with_role(Role::Items).await;
    let begun: i64 = database.value("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint").await;
    for _ in 0..3 {
        call(&items, "items_get", &format!("1, NULL, {CONTEXT}")).await;
    }
    let ids: Vec<String> = database.values("SELECT event_id::text FROM audit_outbox ORDER BY seq").await;
    // The first 48 bits; within one millisecond the order is random.
    assert!(ids.is_sorted_by_key(|id| &id[..13]), "{ids:?}");
    for id in ids {
        let created = i64::from_str_radix(&id[..13].replace('-', ""), 16).expect("hexadecimal digits");
        assert!((begun..begun + 60_000).contains(&created), "{id} is of {created}, not of {begun}");
        assert!(id[14..].starts_with('7') && "89ab".contains(&id[19..20]), "{id}: version 7, variant 1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_were_not_delivered_are_in_the_next_batch() {
    let (database, items) = with_role(Role::Items).await;
    database.enqueue("r", 3, "NULL").await;
    let holder = take(&items).await;
    let (seqs, _) = next(&items, &holder, &[]).await;
    assert_eq!(next(&items, &holder, &seqs[..1]).await.0, seqs[1..]);
    call(&items, "relay_release", &format!("'{holder}', '{{{}}}'", seqs[1])).await;
    let successor = take(&items).await;
    assert_ne!(successor, holder);
    assert_eq!(next(&items, &successor, &[]).await.0, seqs[2..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_event_leaves_the_outbox_and_is_kept_with_its_reason() {
    let (database, items) = with_role(Role::Items).await;
    database.enqueue("r", 3, "'{\"items\": 7}'::jsonb").await;
    let holder = take(&items).await;
    let (seqs, events) = next(&items, &holder, &[]).await;
    call(&items, "relay_refuse", &format!("'{holder}', {}, 'too odd'", seqs[1])).await;
    assert_eq!(next(&items, &holder, &[]).await.0, [seqs[0], seqs[2]]);
    assert_eq!(database.value::<String>("SELECT reason FROM audit_refused").await, "too odd");
    let kept: String = database.value("SELECT event::text FROM audit_refused").await;
    assert_eq!(serde_json::from_str::<Value>(&kept).expect("the event"), events[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_returns_how_many_events_wait_and_since_when() {
    let (database, items) = with_role(Role::Items).await;
    let idle = call(&items, "items_ready", "").await.expect("a row");
    assert_eq!(idle, json!({ "waiting": 0, "oldest_seconds": 0, "failing": false, "relay": null }));

    database.enqueue("r", 10_050, "NULL").await;
    database.run("UPDATE audit_outbox SET occurred_at = now() - interval '1 minute'").await;
    database.run("UPDATE relay_lease SET failures = 1").await;
    let behind = call(&items, "items_ready", "").await.expect("a row");
    assert_eq!((&behind["waiting"], &behind["failing"]), (&json!(10_001), &json!(true)));
    let oldest = behind["oldest_seconds"].as_f64().expect("seconds");
    assert!((60.0..70.0).contains(&oldest), "{oldest}");
    assert!(behind["relay"].is_string(), "a readiness check takes the lease");
}
