//! Audit has no address: no path, no Host and no form of request leads to it from outside.

use serde_json::json;
use support::{App, SOON, exchange};

/// An event that audit would store.
fn event() -> String {
    json!({
        "event_id": "00000000-0000-4000-8000-000000000001", "action": "get", "outcome": "ok", "item_id": 1, "request_id": "forged", "trace_id": null,
        "actor": null, "client_addr": null, "occurred_at": "2026-11-21T10:00:00.000000Z", "details": null,
    })
    .to_string()
}

/// A request for `target` with these header lines and the event in it.
fn request(target: &str, headers: &[&str]) -> String {
    let event = event();
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    format!(
        "POST {target} HTTP/1.1\r\n{headers}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{event}",
        event.len()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_is_one_that_audit_takes() {
    // What makes the other tests tell: with a route of its own, audit stores this very request.
    let app = App::builder().audit_in_the_open().start().await;
    let answer = exchange(app.address(), request("/events", &["Host: localhost"])).await;
    assert_eq!(answer.status, Some(204), "{answer:?}");
    assert_eq!(app.database().count("audit_logs").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_leads_to_audit() {
    let app = App::start().await;
    for path in [
        "/events",
        "//events",
        "/./events",
        "/../events",
        "/items/../events",
        "/items/..%2fevents",
        "/items/%2e%2e/events",
        "/%65vents",
        "/events/",
        "/events?x=1",
        "/events;x",
        "/events%00",
        "/EVENTS",
        "/audit",
        "/audit/events",
        "/audit.spin.internal/events",
        "//audit.spin.internal/events",
        "/http://audit.spin.internal/events",
        "/items/http:%2f%2faudit.spin.internal%2fevents",
        "/.well-known/spin/../../events",
        "/.well-known/spin/audit",
        "/_internal/events",
        "\\events",
        "/\\events",
        "*",
        "events",
    ] {
        let answer = exchange(app.address(), request(path, &["Host: localhost"])).await;
        assert!(matches!(answer.status, Some(400 | 404 | 405) | None), "{path}: {answer:?}");
        nothing_stored(&app, path).await;
    }
    still_serves(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_host_header_leads_to_audit() {
    let app = App::start().await;
    let port = app.address().port();
    for headers in [
        vec!["Host: audit.spin.internal".to_owned()],
        vec!["Host: audit.spin.internal:80".into()],
        vec![format!("Host: audit.spin.internal:{port}")],
        vec!["Host: AUDIT.SPIN.INTERNAL".into()],
        vec!["Host: audit.spin.internal.".into()],
        vec!["Host: audit".into()],
        vec!["Host: self".into()],
        vec!["Host: audit.spin.internal/events".into()],
        vec!["Host: localhost".into(), "Host: audit.spin.internal".into()],
        vec!["Host: localhost".into(), "X-Forwarded-Host: audit.spin.internal".into()],
        vec!["Host: localhost".into(), "Forwarded: host=audit.spin.internal".into()],
        vec!["Host: localhost".into(), "X-Original-URL: /events".into(), "X-Rewrite-URL: /events".into()],
        vec![
            "Host: localhost".into(),
            "spin-component-route: /events".into(),
            "spin-full-url: http://audit.spin.internal/events".into(),
        ],
    ] {
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        for target in ["/events", "/", "/livez"] {
            let answer = exchange(app.address(), request(target, &headers)).await;
            // A Host that only chained calls may name is taken away, and without a Host there is no answer.
            assert!(matches!(answer.status, Some(400 | 404 | 405) | None), "{headers:?} {target}: {answer:?}");
            nothing_stored(&app, target).await;
        }
    }
    still_serves(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_absolute_target_leads_to_audit() {
    let app = App::start().await;
    for target in [
        "http://localhost/events",
        "http://localhost/items/../events",
        "http://localhost//audit.spin.internal/events",
        "http://audit.spin.internal/events",
        "http://audit.spin.internal:80/events",
        "https://audit.spin.internal/events",
        "http://AUDIT.spin.internal/events",
        "http://audit/events",
        "http://localhost@audit.spin.internal/events",
        "http://self/events",
        "spin://audit/events",
        "audit.spin.internal:80",
    ] {
        for host in ["Host: localhost", "Host: audit.spin.internal"] {
            let answer = exchange(app.address(), request(target, &[host])).await;
            assert!(matches!(answer.status, Some(400 | 404 | 405) | None), "{target} with {host}: {answer:?}");
            nothing_stored(&app, target).await;
        }
    }
    let tunnel = "CONNECT audit.spin.internal:80 HTTP/1.1\r\nHost: audit.spin.internal:80\r\nConnection: close\r\n\r\n";
    let answer = exchange(app.address(), tunnel).await;
    assert!(matches!(answer.status, Some(400 | 404 | 405) | None), "{answer:?}");
    still_serves(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_second_request_hides_in_a_first_one() {
    let app = App::start().await;
    let hidden = request("/events", &["Host: audit.spin.internal"]);
    for first in [
        // Two lengths, and a length beside chunks: where one reader ends the body is not where another does.
        format!(
            "POST /items HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: {}\r\n\r\n{hidden}",
            hidden.len()
        ),
        format!(
            "POST /items HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n{hidden}",
            hidden.len() + 5
        ),
        format!("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n{hidden}"),
        format!("GET /livez HTTP/1.1\r\nHost: localhost\r\nX: y\nContent-Length: 0\r\n\r\n{hidden}"),
    ] {
        let answer = exchange(app.address(), &first).await;
        assert!(!answer.head.contains(" 204 ") && !answer.body.contains(" 204 "), "{first}: {answer:?}");
        nothing_stored(&app, &first).await;
    }
    still_serves(&app).await;
}

async fn nothing_stored(app: &App, what: &str) {
    assert_eq!(app.database().count("audit_logs").await, 0, "{what}");
}

/// The application works all the while, and its trail holds only what it wrote itself.
async fn still_serves(app: &App) {
    app.create("bolt").await;
    app.audited(1, SOON).await;
    assert_ne!(app.database().trail().await[0].request_id, "forged");
}
