//! What travels together, and events that audit refuses.

use futures::{StreamExt, stream};
use http::Method;
use serde_json::{Value, json};
use sqlx::Row;
use support::{App, SOON};

use super::{CONCURRENT, create_many};

const MOST_EVENTS: i64 = 500;
const MOST_BYTES: i64 = 1 << 20;

/// The bounds of a batch hold for every batch stored so far. Bytes are those of the details, hence a little less than what travelled.
async fn check_batches(app: &App) {
    let batches = app.database().batches().await;
    let within = |&(events, bytes): &(i64, i64)| events <= MOST_EVENTS && bytes <= MOST_BYTES;
    assert!(batches.iter().all(within), "events and bytes by batch: {batches:?}");
}

/// The event ids and reasons of what audit refused, in the order of their request ids.
async fn refused(app: &App) -> Vec<(String, String)> {
    let query = "SELECT event ->> 'request_id', reason FROM audit_refused ORDER BY 1";
    let rows = sqlx::query(query).fetch_all(app.db()).await.expect("read audit_refused");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_of_the_largest_events_are_split_and_all_of_them_arrive() {
    let app = App::start().await;
    // The largest values there are, of which the trail keeps digests, and the largest that it keeps: control characters, which take six
    // bytes each in JSON.
    let largest = json!({ "name": "\u{1f529}".repeat(200), "description": "\u{1f529}".repeat(10_000) });
    let kept = json!({ "name": "\u{2}".repeat(200), "description": "\u{2}".repeat(1_024) });
    app.database()
        .run(
            "INSERT INTO items (name, description, created_at, updated_at)
             SELECT repeat(E'\\x01', 200), repeat(E'\\x01', 1024), now(), now() FROM generate_series(1, 300)",
        )
        .await;
    app.database().seize_lease(60).await;
    let send = |number: usize| {
        let (method, path, body): (_, _, &Value) = match number % 2 {
            0 => (Method::POST, "/items".into(), &largest),
            _ => (Method::PUT, format!("/items/{}", number / 2 + 1), &kept),
        };
        let request = app.request(method, &path).header("x-request-id", format!("large-{number}")).json(body);
        let sent = app.send(request);
        async move { assert!(sent.await.status.is_success()) }
    };
    stream::iter(0..600).map(send).buffer_unordered(CONCURRENT).collect::<()>().await;
    assert_eq!(app.database().count("audit_outbox").await, 600, "all of it waits, so that full batches go");
    app.database().end_lease().await;
    app.audited(600, SOON).await;
    check_batches(&app).await;
    app.database().check_trail((0..600).map(|number| format!("large-{number}"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_batch_is_five_hundred_events_and_oldest_go_first() {
    let app = App::start().await;
    let requests = app.database().enqueue("event", 1_200, "NULL").await;
    app.audited(1_200, SOON).await;
    let events: Vec<i64> = app.database().batches().await.into_iter().map(|(events, _)| events).collect();
    assert_eq!(events, [500, 500, 200]);
    let order: Vec<String> = sqlx::query_scalar("SELECT request_id FROM audit_logs ORDER BY id")
        .fetch_all(app.db())
        .await
        .expect("read the trail");
    assert_eq!(order, requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mebibyte_is_the_bound_of_a_batch_but_not_of_an_event() {
    let app = App::start().await;
    // Together less than what audit takes, so that nothing but the bound itself divides them.
    let mut requests =
        app.database().enqueue("hundred-kb", 15, "jsonb_build_object('name', repeat('x', 100000))").await;
    app.audited(15, SOON).await;
    check_batches(&app).await;
    requests
        .extend(app.database().enqueue("over-one-mib", 2, "jsonb_build_object('name', repeat('x', 1200000))").await);
    requests.extend(app.database().enqueue("small", 3, "NULL").await);
    let huge = app.database().enqueue("over-all-bounds", 1, "jsonb_build_object('name', repeat('x', 3000000))").await;
    requests.extend(app.database().enqueue("last", 3, "NULL").await);
    app.audited(requests.len() as i64, SOON).await;
    // An event that audit does not take at all leaves the queue with the reason, as any other that is refused.
    let refused = refused(&app).await;
    assert_eq!(
        refused.iter().map(|(request, _)| request).collect::<Vec<_>>(),
        huge.iter().collect::<Vec<_>>(),
        "{refused:?}"
    );
    let stored: Vec<String> = app.database().trail().await.into_iter().map(|row| row.request_id).collect();
    assert_eq!(stored, requests, "each of the others once, in their order");
    app.database().check_totals().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_audit_refuses_leaves_the_queue_with_its_reason_and_all_others_arrive() {
    let app = App::start().await;
    let mut good = app.database().enqueue("before", 10, "NULL").await;
    let bad = app.database().enqueue("bad", 2, "NULL").await;
    app.database().run("UPDATE audit_outbox SET action = 'explode' WHERE request_id LIKE 'bad-%'").await;
    good.extend(app.database().enqueue("between", 10, "NULL").await);
    let unknown_outcome = app.database().enqueue("worse", 1, "NULL").await;
    app.database().run("UPDATE audit_outbox SET outcome = 'perhaps' WHERE request_id LIKE 'worse-%'").await;
    good.extend(create_many(&[&app], "item", 10).await);
    app.audited(30, SOON).await;
    let refused = refused(&app).await;
    let requests: Vec<&String> = refused.iter().map(|(request, _)| request).collect();
    assert_eq!(requests, bad.iter().chain(&unknown_outcome).collect::<Vec<_>>());
    assert!(refused.iter().all(|(_, reason)| !reason.is_empty()), "{refused:?}");
    let named = |index: usize, field: &str| {
        assert!(refused[index].1.contains(field), "the reason does not name {field}: {refused:?}")
    };
    named(0, "action");
    named(2, "outcome");
    let stored: Vec<String> = app.database().trail().await.into_iter().map(|row| row.request_id).collect();
    assert!(good.iter().all(|request| stored.contains(request)) && stored.len() == good.len());
    assert_eq!(app.database().lease().await.failures, 0, "a refused event is no failure of audit");
    // Readiness shows it to people as a line, and stays 200.
    assert_eq!(app.get("/readyz").await.status, 200);
}
