//! 503: the database cannot be reached, or an operation fails in it.

use support::{App, SOON, json};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_every_operation_answers_503_with_retry_after() {
    let app = App::builder().without_database().start().await;
    for response in [
        app.get("/items").await,
        app.get("/items?limit=1").await,
        app.get("/items/1").await,
        app.post(json!({ "name": "bolt" })).await,
        app.put("/items/1", json!({ "name": "bolt" })).await,
        app.delete("/items/1").await,
    ] {
        assert_eq!(response.status, 503);
        response.problem();
        assert!(response.find("retry-after").is_some(), "{response:?}");
    }
    for path in ["/", "/openapi.json"] {
        assert_eq!(app.get(path).await.status, 200, "{path} needs no database");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_whose_event_cannot_be_written_answers_503_and_leaves_nothing() {
    let app = App::start().await;
    app.database().run("ALTER TABLE audit_outbox ADD CONSTRAINT broken CHECK (false)").await;
    for _ in 0..4 {
        let response = app.post(json!({ "name": "bolt" })).await;
        assert_eq!(response.status, 503, "{response:?}");
        response.problem();
        assert_eq!(app.get("/items").await.status, 503);
    }
    app.database().run("ALTER TABLE audit_outbox DROP CONSTRAINT broken").await;
    assert_eq!(app.database().count("items").await, 0);
    app.create("nut").await;
    app.audited(1, SOON).await;
}
