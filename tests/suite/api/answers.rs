//! What every answer carries.

use http::{Method, StatusCode};
use serde_json::json;
use support::{Answer, App};

#[tokio::test(flavor = "multi_thread")]
async fn a_sane_request_id_is_returned_and_recorded_and_any_other_is_replaced() {
    let app = App::start().await;
    let longest = "x".repeat(128);
    let (mut sent, mut known) = (0, Vec::new());
    for (id, kept) in [
        ("abc-123", true),
        ("550e8400-e29b-41d4-a716-446655440000", true),
        (&*longest, true),
        ("", false),
        ("two words", false),
        ("tab\there", false),
        ("\"quoted\"", false),
        ("é", false),
        (&*"x".repeat(1000), false),
    ] {
        let answer = app.send(app.request(Method::GET, "/items/1").header("X-Request-Id", id)).await;
        sent += 1;
        assert_eq!(answer.header("x-request-id") == id, kept, "{id:?}: {answer:?}");
        known.push(answer.header("x-request-id").to_owned());
    }
    let made: Vec<String> = [app.get("/items/1").await, app.get("/livez").await]
        .iter()
        .map(|answer| answer.header("x-request-id").to_owned())
        .collect();
    assert_ne!(made[0], made[1]);
    known.push(made[0].clone());
    app.audited(sent + 1, support::SOON).await;
    let recorded: Vec<String> = app.database().trail().await.into_iter().map(|row| row.request_id).collect();
    assert_eq!(recorded, known);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_an_operation_says_how_long_the_database_took() {
    let app = App::start().await;
    let name = json!({ "name": "bolt" });
    for answer in [
        app.post(name.clone()).await,
        app.get("/items").await,
        app.get("/items?limit=1").await,
        app.get("/items/1").await,
        app.put("/items/1", name).await,
        app.delete("/items/1").await,
        app.get("/items/1").await,
    ] {
        assert!(database_time(&answer) > 0.0, "{answer:?}");
    }
}

fn database_time(answer: &Answer) -> f64 {
    let timing = answer.header("server-timing");
    let milliseconds = timing.split(',').find_map(|metric| metric.trim().strip_prefix("db;dur="));
    milliseconds.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("Server-Timing: {timing}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_may_be_sniffed_framed_or_executed() {
    let app = App::start().await;
    app.create("<script>alert(1)</script>").await;
    for path in ["/", "/items", "/items/1", "/items/2", "/items/x", "/livez", "/readyz", "/openapi.json", "/nowhere"] {
        let answer = app.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spin_headers_from_outside_change_nothing() {
    let app = App::start().await;
    app.create("bolt").await;
    let answer = app
        .send(
            app.request(Method::GET, "/items/1")
                .header("spin-client-addr", "6.6.6.6:6")
                .header("spin-path-info", "/readyz")
                .header("spin-full-url", "http://audit.spin.internal/events")
                .header("spin-path-match-id", "2")
                .header("spin-component-route", "/livez"),
        )
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.item().id, 1);
    app.audited(2, support::SOON).await;
    for row in app.database().trail().await {
        let address = row.client_addr.expect("the host tells the client's address");
        assert!(address.starts_with("127.0.0.1:"), "{address}");
    }
}
