//! Stopping the host loses no event and interrupts no response.

use std::collections::BTreeSet;

use futures::future::join_all;
use support::{App, Method, SOON, json};

#[tokio::test(flavor = "multi_thread")]
async fn stopping_right_after_the_responses_loses_no_event() {
    let mut app = App::start().await;
    let mut requests = BTreeSet::new();
    for round in 0..4 {
        let created = join_all((0..25).map(async |number| {
            let request_id = format!("round-{round}-{number}");
            let request = app.request(Method::POST, "/items").header("x-request-id", &request_id);
            let response = app.send(request.json(&json!({ "name": "bolt" }))).await;
            assert_eq!(response.status, 201, "{response:?}");
            request_id
        }));
        requests.extend(created.await);
        app.restart_host().await;
        let events = "SELECT request_id FROM audit_logs UNION SELECT request_id FROM audit_outbox";
        let events: BTreeSet<String> = app.database().values(events).await.into_iter().collect();
        assert_eq!(events, requests, "after round {round}");
    }
    app.audited(100, SOON).await;
    app.database().check_trail(requests).await;
}
