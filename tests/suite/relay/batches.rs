//! What one batch holds, and what happens to events that audit refuses.

use futures::{StreamExt, stream};
use support::{App, Method, SOON, Value, json};

use super::{CONCURRENT, create_many};

const MOST_EVENTS: i64 = 500;
const MOST_BYTES: i64 = 1 << 20;

/// Checks every batch stored so far. The bytes are those of the details, so a little fewer than were sent.
async fn check_batches(app: &App) {
    let batches = app.database().batches().await;
    let within = |&(events, bytes): &(i64, i64)| events <= MOST_EVENTS && bytes <= MOST_BYTES;
    assert!(batches.iter().all(within), "events and bytes by batch: {batches:?}");
}

/// Request ids and reasons of the events that audit refused, ordered by request id.
async fn refused(app: &App) -> Vec<(String, String)> {
    let query = "SELECT event ->> 'request_id', reason FROM audit_refused ORDER BY 1";
    sqlx::query_as(query).fetch_all(app.db()).await.expect("read audit_refused")
}

/// Request ids in the trail, in the order in which they were stored.
async fn stored(app: &App) -> Vec<String> {
    app.database().values("SELECT request_id FROM audit_logs ORDER BY id").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_has_at_most_500_events_and_the_oldest_go_first() {
    let app = App::start().await;
    let requests = app.database().enqueue("event", 1_200, "NULL").await;
    app.audited(1_200, SOON).await;
    let events: Vec<i64> = app.database().batches().await.into_iter().map(|(events, _)| events).collect();
    assert_eq!(events, [500, 500, 200]);
    assert_eq!(stored(&app).await, requests);
    app.database().becomes("SELECT holder IS NULL AND held_until < now() FROM relay_lease", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_of_the_largest_events_are_split_and_all_of_them_arrive() {
    let app = App::start().await;
    // The largest values, which the trail keeps as digests, and the largest that it keeps as they are: control
    // characters, which take six bytes each in JSON.
    let largest = json!({ "name": "\u{1f529}".repeat(200), "description": "\u{1f529}".repeat(10_000) });
    let kept = json!({ "name": "\u{2}".repeat(200), "description": "\u{2}".repeat(1_024) });
    app.database().insert_items(300, "repeat(E'\\x01', 1024)").await;
    app.database().run("UPDATE items SET name = repeat(E'\\x01', 200)").await;
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
    assert_eq!(app.database().count("audit_outbox").await, 600, "all of them wait, so that the batches are full");
    app.database().end_lease().await;
    app.audited(600, SOON).await;
    check_batches(&app).await;
    app.database().check_trail((0..600).map(|number| format!("large-{number}"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mebibyte_is_the_limit_of_a_batch_but_not_of_an_event() {
    let app = App::start().await;
    let named = |length: usize| format!("jsonb_build_object('name', repeat('x', {length}))");
    let database = app.database();
    // Together fewer bytes than audit accepts, so that only the limit of a batch splits them.
    let mut requests = database.enqueue("hundred-kb", 15, &named(100_000)).await;
    app.audited(15, SOON).await;
    check_batches(&app).await;
    requests.extend(database.enqueue("over-one-mib", 2, &named(1_200_000)).await);
    requests.extend(database.enqueue("small", 3, "NULL").await);
    let huge = database.enqueue("over-every-limit", 1, &named(3_000_000)).await;
    requests.extend(database.enqueue("last", 3, "NULL").await);
    app.audited(requests.len() as i64, SOON).await;
    // An event too large for audit leaves the outbox with the reason, like any other that audit refuses.
    assert_eq!(refused(&app).await.into_iter().map(|(request, _)| request).collect::<Vec<_>>(), huge);
    assert_eq!(stored(&app).await, requests, "all others once, in order");
    database.check_totals().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_audit_refuses_leaves_the_outbox_with_its_reason_and_all_others_arrive() {
    let app = App::start().await;
    let database = app.database();
    let mut good = database.enqueue("before", 10, "NULL").await;
    let mut bad = database.enqueue("bad", 2, "NULL").await;
    database.run("UPDATE audit_outbox SET action = 'explode' WHERE request_id LIKE 'bad-%'").await;
    good.extend(database.enqueue("between", 10, "NULL").await);
    bad.extend(database.enqueue("worse", 1, "NULL").await);
    database.run("UPDATE audit_outbox SET outcome = 'perhaps' WHERE request_id LIKE 'worse-%'").await;
    good.extend(create_many(&[&app], "item", 10).await);
    app.audited(30, SOON).await;
    let refused = refused(&app).await;
    assert_eq!(refused.iter().map(|(request, _)| request).collect::<Vec<_>>(), bad.iter().collect::<Vec<_>>());
    for ((_, reason), field) in refused.iter().zip(["action", "action", "outcome"]) {
        assert!(reason.contains(field), "the reason does not name {field}: {refused:?}");
    }
    let mut stored = stored(&app).await;
    stored.sort();
    good.sort();
    assert_eq!(stored, good);
    assert_eq!(database.lease().await.failures, 0, "a refused event is not a failure of audit");
    assert_eq!(app.get("/readyz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_was_stored_is_not_put_aside_as_refused_when_audit_refuses_it_later() {
    let app = App::builder().probe_as_audit("refuse").start().await;
    app.database().enqueue("event", 10, "NULL").await;
    app.database().store_every_second_event().await;
    app.audited(5, SOON).await;
    let both = "SELECT count(*) FROM audit_refused WHERE event_id IN (SELECT event_id FROM audit_logs)";
    assert_eq!((app.database().value::<i64>(both).await, app.database().count("audit_refused").await), (0, 5));
}
