//! `GET /readyz`: readiness depends on the database, has a line for each check, and starts the relay.

use support::{App, SOON, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_service_with_its_database_is_ready() {
    let app = App::start().await;
    let response = app.get("/readyz").await;
    assert_eq!(response.status, 200, "{response:?}");
    assert!(response.header("content-type").starts_with("text/plain"), "{response:?}");
    assert_eq!(response.header("cache-control"), "no-store", "{response:?}");
    assert!(response.text.lines().any(|line| line.contains("database")), "{response:?}");
    assert!(response.text.ends_with('\n'), "{response:?}");
    assert_eq!(app.database().stored_and_waiting().await, (0, 0), "it is not an operation");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_its_database_is_not_ready() {
    let app = App::builder().without_database().start().await;
    let response = app.get("/readyz").await;
    assert_eq!(response.status, 503);
    assert!(response.text.contains("database"), "{response:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_audit_is_ready_works_and_has_a_line_about_it() {
    let app = App::builder().without_audit().start().await;
    let before = app.get("/readyz").await.text;
    app.create("bolt").await;
    let after = eventually("a new line about audit", SOON, async || {
        let response = app.get("/readyz").await;
        assert_eq!(response.status, 200);
        let new = response.text.lines().any(|line| line.contains("audit") && !before.contains(line));
        if new { Ok(response.text) } else { Err(response.text) }
    })
    .await;
    assert!(!after.contains("127.0.0.1"), "{after}");
    assert_eq!(app.get("/items/1").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_readiness_check_relays_the_events_that_an_earlier_host_left() {
    let app = App::start().await;
    let requests = app.database().enqueue("left", 20, "NULL").await;
    assert_eq!(app.get("/readyz").await.status, 200);
    // Not `audited`, which would send more checks.
    app.database().becomes("SELECT count(*) FROM audit_outbox", 0_i64).await;
    app.database().check_trail(requests).await;
}
