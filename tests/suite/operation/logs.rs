//! Log lines: one per request, with every field, as JSON. That they hold no secret: `security/secrets.rs`.

use futures::future::join_all;
use host::Source;
use support::{App, Method, SOON, Value, eventually, json};

const FIELDS: [&str; 10] =
    ["ts", "level", "component", "msg", "request_id", "trace_id", "method", "route", "status", "duration_ms"];

/// Waits for lines of a component that have `value` in `field`.
async fn lines(app: &App, component: &str, field: &str, value: &str) -> Vec<Value> {
    eventually(&format!("a line of {component} with {field} {value}"), SOON, async || {
        let written = app.lines().into_iter();
        let written = written.filter(|line| line.source == Source::Stdout && &*line.component == component);
        let all: Vec<Value> = written.map(|line| serde_json::from_str(&line.text).expect("a line is JSON")).collect();
        let found: Vec<Value> = all.iter().filter(|line| line[field] == value).cloned().collect();
        if found.is_empty() { Err(format!("{all:#?}")) } else { Ok(found) }
    })
    .await
}

/// The only line of items about a request.
async fn line(app: &App, request_id: &str) -> Value {
    let mut lines = lines(app, "items", "request_id", request_id).await;
    // On a slow machine the relay may complain about audit.
    lines.retain(|line| line.get("status").is_some());
    assert_eq!(lines.len(), 1, "{lines:#?}");
    lines.remove(0)
}

fn has_every_field(line: &Value) {
    for field in FIELDS {
        assert!(line.get(field).is_some(), "no {field} in {line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_has_one_line_with_the_id_of_its_response() {
    let app = App::start().await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    for (method, path, route, status) in [
        (Method::POST, "/items", "/items", 201),
        (Method::GET, "/items", "/items", 200),
        (Method::GET, "/items?limit=1", "/items", 200),
        (Method::GET, "/items/1", "/items/{id}", 200),
        (Method::GET, "/items/2", "/items/{id}", 404),
        (Method::GET, "/items/secret", "/items/{id}", 400),
        (Method::PUT, "/items/1", "/items/{id}", 200),
        (Method::DELETE, "/items/1", "/items/{id}", 204),
        (Method::HEAD, "/items", "/items", 200),
        (Method::OPTIONS, "/items", "/items", 204),
        (Method::GET, "/", "/", 200),
        (Method::GET, "/livez", "/livez", 200),
        (Method::GET, "/readyz", "/readyz", 200),
        (Method::GET, "/openapi.json", "/openapi.json", 200),
        (Method::GET, "/secret/path?key=value", "other", 404),
    ] {
        let mut request = app.request(method.clone(), path);
        request = request.header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"));
        if matches!(method, Method::POST | Method::PUT) {
            request = request.json(&json!({ "name": "bolt" }));
        }
        let response = app.send(request).await;
        assert_eq!(response.status, status, "{method} {path}");
        let line = line(&app, response.header("x-request-id")).await;
        has_every_field(&line);
        for (field, value) in
            [("method", method.as_str()), ("route", route), ("component", "items"), ("trace_id", trace)]
        {
            assert_eq!(line[field], value, "{line}");
        }
        assert_eq!(line["status"], status, "{line}");
        assert!(line["duration_ms"].as_f64().is_some_and(|time| (0.0..10_000.0).contains(&time)), "{line}");
        assert!(["info", "warn", "error"].contains(&line["level"].as_str().expect("a level")), "{line}");
        assert!(!line.to_string().contains("secret") && !line.to_string().contains("value"), "{line}");
        let time = line["ts"].as_str().expect("a time");
        let recent =
            format!("SELECT now() - '{time}'::timestamptz BETWEEN interval '-1 second' AND interval '1 minute'");
        assert!(time.ends_with('Z') && app.database().value::<bool>(&recent).await, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_causes_of_a_failure_are_in_its_line_and_not_in_its_response() {
    let app = App::start().await;
    app.database().run("ALTER FUNCTION items_get RENAME TO items_get_gone").await;
    let response = app.get("/items/1").await;
    assert_eq!(response.status, 503);
    assert!(!response.text.contains("items_get"), "{response:?}");
    let line = line(&app, response.header("x-request-id")).await;
    assert_eq!(line["level"], "error", "{line}");
    let error = line["error"].as_str().expect("the causes");
    assert!(error.contains("items_get") && error.contains("does not exist"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_requests_have_one_line_each() {
    let app = App::start().await;
    for response in join_all((0..64).map(|_| app.get("/items/1"))).await {
        line(&app, response.header("x-request-id")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_batch_of_events_has_one_line_of_audit() {
    let app = App::start().await;
    app.create("bolt").await;
    app.audited(1, SOON).await;
    let lines = lines(&app, "audit", "route", "/events").await;
    assert_eq!(lines.len(), 1, "{lines:#?}");
    has_every_field(&lines[0]);
    let fields = (&lines[0]["component"], &lines[0]["method"], &lines[0]["status"]);
    assert_eq!(fields, (&json!("audit"), &json!("POST"), &json!(204)));
}
