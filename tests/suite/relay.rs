//! The relay: every event reaches audit exactly once, whatever happens on the way.

use futures::{StreamExt, stream};
use http::Method;
use serde_json::json;
use support::{App, SOON, eventually};

mod batches;
mod faults;

const CONCURRENT: usize = 24;

/// Creates `count` items, dealt out to `apps`; gives the request ids.
async fn create_many(apps: &[&App], prefix: &str, count: usize) -> Vec<String> {
    let create = |number: usize| async move {
        let request_id = format!("{prefix}-{number}");
        let app = apps[number % apps.len()];
        let request = app.request(Method::POST, "/items").header("x-request-id", &request_id);
        let answer = app.send(request.json(&json!({ "name": request_id }))).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        request_id
    };
    stream::iter(0..count).map(create).buffer_unordered(CONCURRENT).collect().await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_on_one_database_deliver_every_event_once() {
    let one = App::start().await;
    let two = one.beside().await;
    let requests = create_many(&[&one, &two], "item", 400).await;
    one.audited(400, SOON).await;
    one.database().check_trail(requests).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_drains_what_an_earlier_host_left_behind() {
    let app = App::start().await;
    let requests = app.database().enqueue("left", 20, "NULL").await;
    assert_eq!(app.get("/readyz").await.status, 200);
    // One probe is enough, hence no `audited`, which would send more of them.
    eventually("the outbox drained", SOON, async || match app.database().count("audit_outbox").await {
        0 => Ok(()),
        waiting => Err(format!("{waiting} events wait")),
    })
    .await;
    app.database().check_trail(requests).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_relays_while_another_holds_the_lease() {
    let mut app = App::start().await;
    let holder = app.database().seize_lease(50).await;
    app.create("bolt").await;
    assert_eq!(app.get("/readyz").await.status, 200);
    // Stopping waits for the work after the responses: whatever was going to be relayed has been.
    app.stop_host().await;
    assert_eq!((app.database().count("audit_outbox").await, app.database().count("audit_logs").await), (1, 0));
    assert_eq!(app.database().lease().await.holder, Some(holder));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_died_is_followed_within_seconds() {
    let app = App::start().await;
    app.database().seize_lease(2).await;
    app.create("bolt").await;
    app.audited(1, SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_stepped_back_does_not_stop_the_relay() {
    let app = App::start().await;
    app.database()
        .run("UPDATE relay_lease SET holder = gen_random_uuid(), held_until = clock_timestamp() + interval '1 hour'")
        .await;
    app.create("bolt").await;
    app.audited(1, SOON).await;
    assert_eq!(app.database().lease().await.holder, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_whose_lease_was_taken_stops_and_nothing_is_lost_or_stored_twice() {
    let mut app = App::start().await;
    let waiting = app.database().enqueue("waiting", 10_000, "NULL").await;
    assert_eq!(app.get("/readyz").await.status, 200);
    eventually("the relay under way", SOON, async || match app.database().count("audit_logs").await {
        0 => Err("nothing stored yet".into()),
        _ => Ok(()),
    })
    .await;
    let thief = app.database().seize_lease(50).await;
    app.stop_host().await;
    let left = app.database().count("audit_outbox").await;
    let stored = app.database().count("audit_logs").await;
    assert!(left > 0, "the relay was done before the lease was taken: {stored} stored");
    // What was under way when the lease went may be both stored and waiting: at most one batch.
    assert!((10_000..=10_500).contains(&(left + stored)), "{left} wait, {stored} stored");
    assert_eq!(app.database().lease().await.holder, Some(thief), "the lease is the thief's still");
    app.database().end_lease().await;
    app.restart_host().await;
    app.audited(10_000, SOON).await;
    app.database().check_trail(waiting).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_were_stored_but_not_yet_removed_are_not_stored_again() {
    let app = App::start().await;
    let mut requests = app.database().enqueue("event", 30, "'{\"items\": 1}'").await;
    // As if the host had been killed between audit's commit and the removal from the outbox.
    app.database()
        .run("SELECT audit_store((SELECT json_agg(audit_event(o)) FROM audit_outbox o WHERE seq % 2 = 0)::text)")
        .await;
    assert_eq!(app.database().count("audit_logs").await, 15);
    app.create("bolt").await;
    app.audited(31, SOON).await;
    let trail = app.database().trail().await;
    requests.extend(trail.into_iter().filter(|row| row.action == "create").map(|row| row.request_id));
    app.database().check_trail(requests).await;
}
