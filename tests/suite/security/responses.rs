//! What leaves through the listener: every response has the headers that protect, and no error reveals the inside.

use std::collections::BTreeSet;

use support::{App, Method, Response, json};

use super::in_every_trouble;

/// The headers that a response may have. Another one might reveal something, as `Server` does.
const HEADERS: &str = "
    allow cache-control connection content-length content-security-policy content-type cross-origin-resource-policy date
    etag idempotency-replayed link location referrer-policy retry-after server-timing transfer-encoding
    x-content-type-options x-request-id";

/// A response of each status and kind that a healthy service has.
async fn of_healthy_service(app: &App) -> Vec<Response> {
    let name = || json!({ "name": "<script>alert(1)</script>" });
    let request = |method: Method, path: &str| app.request(method, path);
    let mut responses = vec![app.post(name()).await];
    let paths = "/ /livez /readyz /openapi.json /items /items?limit=1 /items/1 /items/2 /items/x /nowhere /events";
    for path in paths.split(' ') {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::PATCH] {
            responses.push(app.send(request(method, path)).await);
        }
    }
    for request in [
        request(Method::GET, "/items/1").header("If-None-Match", "*"),
        request(Method::PUT, "/items/1").json(&name()),
        request(Method::PUT, "/items/1").json(&name()).header("If-Match", "\"9\""),
        request(Method::PUT, "/items/1").json(&json!({ "name": "" })),
        request(Method::POST, "/items").json(&json!({ "name": "x".repeat(70_000) })),
        request(Method::POST, "/items").body("{}").header("Content-Type", "text/plain"),
        request(Method::POST, "/items").body("{").header("Content-Type", "application/json"),
        request(Method::DELETE, "/items/1"),
    ] {
        responses.push(app.send(request).await);
    }
    responses
}

/// A response of everything that needs the database.
async fn of_operations(app: &App) -> Vec<Response> {
    vec![
        app.get("/items").await,
        app.get("/items/1").await,
        app.post(json!({ "name": "bolt" })).await,
        app.put("/items/1", json!({ "name": "bolt" })).await,
        app.delete("/items/1").await,
        app.get("/readyz").await,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_response_has_the_security_headers_and_no_header_that_reveals_more() {
    let app = App::start().await;
    let mut responses = of_healthy_service(&app).await;
    app.database().insert_items(2_000, "repeat('x', 1000)").await;
    let streamed = app.get("/items").await;
    assert!(streamed.text.len() > 2_000_000 && streamed.find("content-length").is_none(), "the list is not streamed");
    responses.push(streamed);
    responses.extend(of_operations(&App::builder().without_database().start().await).await);
    let statuses: BTreeSet<u16> = responses.iter().map(|response| response.status.as_u16()).collect();
    for status in [200, 201, 204, 304, 400, 404, 405, 412, 413, 415, 422, 503] {
        assert!(statuses.contains(&status), "no {status} in {statuses:?}");
    }
    for response in responses {
        assert_eq!(response.header("x-content-type-options"), "nosniff", "{response:?}");
        assert_eq!(response.header("referrer-policy"), "no-referrer", "{response:?}");
        assert_eq!(response.header("cross-origin-resource-policy"), "same-origin", "{response:?}");
        let policy = response.header("content-security-policy");
        for directive in ["default-src 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(directive) && !policy.contains("unsafe"), "{policy}");
        }
        let caching = response.header("cache-control");
        assert!(caching == "no-store" || caching == "no-cache" && response.status.as_u16() < 400, "{response:?}");
        for name in response.headers.keys() {
            assert!(HEADERS.split_whitespace().any(|known| name == known), "{name} in {response:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_of_audit_have_the_security_headers_too() {
    let app = App::builder().with_public_audit().start().await;
    for (method, status) in [("POST", 415), ("GET", 405), ("OPTIONS", 204)] {
        let head = "/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let response = app.exchange(format!("{method} {head}")).await;
        assert_eq!(response.status, Some(status), "{response:?}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(response.header(name), Some(value), "{response:?}");
        }
        let policy = response.header("content-security-policy");
        assert!(policy.is_some_and(|policy| policy.contains("default-src 'none'")), "{response:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_error_reveals_the_inside() {
    let apps = in_every_trouble().await;
    // What the database's own errors would name.
    let names = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
                 UNION SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace";
    let mut inside: Vec<String> = apps[0].1.database().values(names).await;
    inside.retain(|name| name.contains('_'));
    assert!(inside.len() > 20, "{inside:?}");
    let words =
        "SELECT SQLSTATE postgres password hidden7z panicked .rs wasm 127.0.0.1 localhost nowhere perhaps db_ spin";
    inside.extend(words.split(' ').map(str::to_owned));
    inside.push("role ".to_owned());

    for (what, app, _) in &apps {
        let mut responses = of_operations(app).await;
        if *what == "healthy" {
            responses.extend(of_healthy_service(app).await);
        }
        responses.retain(|response| response.status.as_u16() >= 400);
        assert!(!responses.is_empty(), "{what}: there is no error");
        for response in responses {
            let revealed = inside.iter().find(|word| response.text.contains(*word));
            assert!(revealed.is_none(), "{what}: {revealed:?} in {response:?}");
        }
    }
}
