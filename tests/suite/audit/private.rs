//! Audit is private: no path, no Host header and no form of request from outside reaches it.

use support::{App, RawResponse, SOON, event};

/// A request for `target` with these header lines and, in the body, an event that audit would store.
fn request(target: &str, headers: &[&str]) -> String {
    let event = event(1).to_string();
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let (kind, length) = ("Content-Type: application/json", event.len());
    format!("POST {target} HTTP/1.1\r\n{headers}{kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{event}")
}

/// Sends a request and checks that it is refused and that nothing is stored.
async fn refused(app: &App, request: &str) {
    let response = app.exchange(request).await;
    // A Host that only chained calls may have is removed by the host, and without a Host there is no response.
    assert!(matches!(response.status, Some(400 | 404 | 405) | None), "{request}: {response:?}");
    assert_eq!(app.database().count("audit_logs").await, 0, "{request}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_public_route_audit_stores_the_event_of_these_tests() {
    let app = App::builder().with_public_audit().start().await;
    let response = app.exchange(request("/events", &["Host: localhost"])).await;
    assert_eq!(response.status, Some(204), "{response:?}");
    assert_eq!(app.database().count("audit_logs").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_reaches_audit() {
    let app = App::start().await;
    let paths = r"/events //events /./events /../events /items/../events /items/..%2fevents /items/%2e%2e/events
        /%65vents /events/ /events?x=1 /events;x /events%00 /EVENTS /audit /audit/events /audit.spin.internal/events
        //audit.spin.internal/events /http://audit.spin.internal/events /items/http:%2f%2faudit.spin.internal%2fevents
        /.well-known/spin/../../events /.well-known/spin/audit /_internal/events \events /\events * events";
    for path in paths.split_whitespace() {
        refused(&app, &request(path, &["Host: localhost"])).await;
    }
    still_serves(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_host_header_reaches_audit() {
    let app = App::start().await;
    let with_port = format!("Host: audit.spin.internal:{}", app.address().port());
    for headers in [
        "Host: audit.spin.internal",
        "Host: audit.spin.internal:80",
        &with_port,
        "Host: AUDIT.SPIN.INTERNAL",
        "Host: audit.spin.internal.",
        "Host: audit",
        "Host: self",
        "Host: audit.spin.internal/events",
        "Host: localhost, Host: audit.spin.internal",
        "Host: localhost, X-Forwarded-Host: audit.spin.internal",
        "Host: localhost, Forwarded: host=audit.spin.internal",
        "Host: localhost, X-Original-URL: /events, X-Rewrite-URL: /events",
        "Host: localhost, spin-component-route: /events, spin-full-url: http://audit.spin.internal/events",
    ] {
        let headers: Vec<&str> = headers.split(", ").collect();
        for target in ["/events", "/", "/livez"] {
            refused(&app, &request(target, &headers)).await;
        }
    }
    still_serves(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_absolute_target_reaches_audit() {
    let app = App::start().await;
    let targets =
        "http://localhost/events http://localhost/items/../events http://localhost//audit.spin.internal/events
        http://audit.spin.internal/events http://audit.spin.internal:80/events https://audit.spin.internal/events
        http://AUDIT.spin.internal/events http://audit/events http://localhost@audit.spin.internal/events
        http://self/events spin://audit/events audit.spin.internal:80";
    for target in targets.split_whitespace() {
        for host in ["Host: localhost", "Host: audit.spin.internal"] {
            refused(&app, &request(target, &[host])).await;
        }
    }
    let tunnel = "CONNECT audit.spin.internal:80 HTTP/1.1\r\nHost: audit.spin.internal:80\r\nConnection: close\r\n\r\n";
    refused(&app, tunnel).await;
    still_serves(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_hidden_in_another_one_reaches_audit() {
    let app = App::start().await;
    let hidden = request("/events", &["Host: audit.spin.internal"]);
    for first in [
        // Two lengths, and a length beside chunks: readers could disagree where the body ends.
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
        let RawResponse { head, body, .. } = app.exchange(&first).await;
        assert!(!head.contains(" 204 ") && !body.contains(" 204 "), "{first}: {head} {body}");
        assert_eq!(app.database().count("audit_logs").await, 0, "{first}");
    }
    still_serves(&app).await;
}

/// Checks that the application still works, and that its trail has only what it wrote itself.
async fn still_serves(app: &App) {
    app.create("bolt").await;
    app.audited(1, SOON).await;
    assert_ne!(app.database().trail().await[0].request_id, "request-1");
}
