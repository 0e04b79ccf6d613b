//! `X-Request-Id` and `Server-Timing`. Headers that protect: `security/responses.rs`.

use support::{App, Method, Response, SOON, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_well_formed_request_id_is_kept_in_response_and_trail_and_any_other_is_replaced() {
    let app = App::start().await;
    let (longest, too_long) = ("x".repeat(128), "x".repeat(1000));
    let mut ids = Vec::new();
    for (sent, kept) in [
        ("abc-123", true),
        ("550e8400-e29b-41d4-a716-446655440000", true),
        (longest.as_str(), true),
        ("", false),
        ("two words", false),
        ("tab\there", false),
        ("\"quoted\"", false),
        ("é", false),
        (too_long.as_str(), false),
    ] {
        let response = app.send(app.request(Method::GET, "/items/1").header("X-Request-Id", sent)).await;
        assert_eq!(response.header("x-request-id") == sent, kept, "{sent:?}: {response:?}");
        ids.push(response.header("x-request-id").to_owned());
    }
    ids.push(app.get("/items/1").await.header("x-request-id").to_owned());
    app.audited(ids.len() as i64, SOON).await;
    let recorded: Vec<String> = app.database().trail().await.into_iter().map(|row| row.request_id).collect();
    assert_eq!(recorded, ids);
    assert_ne!(app.get("/livez").await.header("x-request-id"), app.get("/livez").await.header("x-request-id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_response_of_an_operation_has_the_time_that_the_database_took() {
    let app = App::start().await;
    let name = json!({ "name": "bolt" });
    for response in [
        app.post(name.clone()).await,
        app.get("/items").await,
        app.get("/items?limit=1").await,
        app.get("/items/1").await,
        app.put("/items/1", name).await,
        app.delete("/items/1").await,
        app.get("/items/1").await,
    ] {
        assert!(database_time(&response) > 0.0, "{response:?}");
    }
}

/// Milliseconds, from the metric `db` of `Server-Timing`.
fn database_time(response: &Response) -> f64 {
    let timing = response.header("server-timing");
    let milliseconds = timing.split(',').find_map(|metric| metric.trim().strip_prefix("db;dur="));
    milliseconds.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("Server-Timing: {timing}"))
}
