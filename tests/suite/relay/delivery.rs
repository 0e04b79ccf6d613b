//! Who relays, and that each event is stored once: several hosts, a lost lease, a killed host. `GET /readyz` relays
//! too: `api/readyz.rs`.

use support::{App, SOON};

use super::create_many;

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_on_one_database_deliver_every_event_once() {
    let one = App::start().await;
    let two = one.beside().await;
    let requests = create_many(&[&one, &two], "item", 400).await;
    one.audited(400, SOON).await;
    one.database().check_trail(requests).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_relays_while_another_holds_the_lease() {
    let mut app = App::start().await;
    let holder = app.database().seize_lease(50).await;
    app.create("bolt").await;
    assert_eq!(app.get("/readyz").await.status, 200);
    // Stopping waits for the work after the responses: from here on nothing is relayed.
    app.stop_host().await;
    assert_eq!(app.database().stored_and_waiting().await, (0, 1));
    assert_eq!(app.database().lease().await.holder, Some(holder));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lease_passes_on_within_seconds_after_its_holder_died_or_the_clock_stepped_back() {
    let app = App::start().await;
    for (ends_in_seconds, operations) in [(2, 1), (3600, 2)] {
        app.database().seize_lease(ends_in_seconds).await;
        app.create("bolt").await;
        app.audited(operations, SOON).await;
    }
    app.database().becomes("SELECT holder IS NULL FROM relay_lease", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_lost_its_lease_stops_and_no_event_is_lost_or_stored_twice() {
    let mut app = App::start().await;
    let waiting = app.database().enqueue("waiting", 10_000, "NULL").await;
    assert_eq!(app.get("/readyz").await.status, 200);
    app.database().becomes("SELECT count(*) > 0 FROM audit_logs", true).await;
    let thief = app.database().seize_lease(50).await;
    app.stop_host().await;
    let (stored, left) = app.database().stored_and_waiting().await;
    assert!(left > 0, "the relay had stored all {stored} events before it lost the lease");
    // The batch that was under way may be both stored and waiting.
    assert!((10_000..=10_500).contains(&(left + stored)), "{left} wait, {stored} stored");
    assert_eq!(app.database().lease().await.holder, Some(thief));
    app.database().end_lease().await;
    app.restart_host().await;
    app.audited(10_000, SOON).await;
    app.database().check_trail(waiting).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_were_stored_but_not_removed_from_the_outbox_are_not_stored_again() {
    let app = App::start().await;
    let mut requests = app.database().enqueue("event", 30, "'{\"items\": 1}'").await;
    app.database().store_every_second_event().await;
    assert_eq!(app.database().count("audit_logs").await, 15);
    requests.extend(create_many(&[&app], "item", 1).await);
    app.audited(31, SOON).await;
    app.database().check_trail(requests).await;
}
