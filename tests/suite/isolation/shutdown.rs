//! Stopping the host loses nothing.

use std::collections::BTreeSet;

use futures::future::join_all;
use http::Method;
use serde_json::json;
use support::{App, SOON, SlowReader};

/// The request ids in the trail and those still in the outbox.
async fn known(app: &App) -> BTreeSet<String> {
    let query = "SELECT request_id FROM audit_logs UNION SELECT request_id FROM audit_outbox";
    sqlx::query_scalar(query).fetch_all(app.db()).await.expect("read the events").into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_waits_for_the_work_after_the_answer() {
    let mut app = App::start().await;
    // Nobody else relays: it is the instance that answered, and it has not had the time yet.
    app.create("bolt").await;
    app.stop_host().await;
    assert_eq!((app.database().count("audit_logs").await, app.database().count("audit_outbox").await), (1, 0));
    assert_eq!(app.database().lease().await.holder, None, "the lease is given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_right_after_the_answers_loses_no_event() {
    let mut app = App::start().await;
    let mut requests = BTreeSet::new();
    for round in 0..4 {
        let answered = join_all((0..25).map(async |number| {
            let request_id = format!("round-{round}-{number}");
            let request = app.request(Method::POST, "/items").header("x-request-id", &request_id);
            let answer = app.send(request.json(&json!({ "name": "bolt" }))).await;
            assert_eq!(answer.status, 201, "{answer:?}");
            request_id
        }));
        requests.extend(answered.await);
        app.restart_host().await;
        assert_eq!(known(&app).await, requests, "after round {round}");
    }
    app.audited(100, SOON).await;
    app.database().check_trail(requests).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_lets_an_answer_under_way_come_to_its_end() {
    let mut app = App::start().await;
    app.database()
        .run("INSERT INTO items (name, description, created_at, updated_at) SELECT 'n', repeat('x', 10000), now(), now() FROM generate_series(1, 1500)")
        .await;
    let mut reader = SlowReader::get(app.address(), "/items").await;
    reader.begin().await;
    let (answer, ()) = futures::join!(reader.finish(), app.stop_host());
    assert!(answer.whole, "cut off at {} bytes", answer.body.len());
    assert!(tokio::net::TcpStream::connect(app.address()).await.is_err(), "nobody listens any more");
}
