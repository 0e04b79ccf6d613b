//! Calls of a component: to another component of the application, and to other hosts.

use super::probes::{Application, escape, manifest, probe, start, start_manifest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub const INNER: &str = "http://inner.spin.internal";

pub async fn chained(application: &Application, path: &str, more: &str) -> String {
    application.fetch(&format!("{INNER}{path}"), more).await
}

#[tokio::test]
async fn a_private_component_answers_chained_calls() {
    let application = start(&[INNER]).await;
    assert_eq!(chained(&application, "/hello", "").await, "200 hello");
    assert_eq!(chained(&application, "/echo", "&body=ping").await, "200 ping");
}

#[tokio::test]
async fn a_chained_call_shows_a_wildcard_route_and_no_client_address() {
    let application = start(&[INNER]).await;
    let body = chained(&application, "/headers?a=b", "").await;
    for line in [
        "path /headers?a=b",
        "authority inner.spin.internal",
        "spin-path-info: /headers",
        "spin-full-url: http://localhost/headers?a=b",
        "spin-matched-route: /...",
        "spin-client-addr: 0.0.0.0:0",
    ] {
        assert!(body.contains(line), "{line} is missing in\n{body}");
    }
    assert!(!body.contains("\nhost: "), "{body}");
}

#[tokio::test]
async fn a_chained_call_needs_an_entry_on_the_allow_list() {
    let application = start(&["http://other.spin.internal"]).await;
    assert_eq!(chained(&application, "/hello", "").await, "error: ErrorCode::HttpRequestDenied");
    application.reported("probe", "add \"http://inner.spin.internal\" to allowed_outbound_hosts").await;
}

#[tokio::test]
async fn a_trap_of_the_callee_is_a_500_to_the_caller() {
    let application = start(&[INNER]).await;
    assert_eq!(chained(&application, "/trap", "").await, "500 ");
    application.reported("inner", "unreachable").await;
}

#[tokio::test]
async fn the_caller_gets_an_error_when_the_callee_breaks_off_its_body() {
    let application = start(&[INNER]).await;
    let body = chained(&application, "/unfinished-body", "").await;
    assert!(body.starts_with("error: "), "{body}");
}

#[tokio::test]
async fn a_call_to_a_component_without_a_trigger_stops_the_caller() {
    let mut manifest = manifest(&["http://gone.spin.internal", "http://idle.spin.internal"]);
    manifest += &format!("\n[component.idle]\nsource = {:?}\n", probe());
    let application = start_manifest(&manifest, |_| {}).await;
    for callee in ["gone", "idle"] {
        let url = escape(&format!("http://{callee}.spin.internal/hello"));
        let response = application.get(&format!("/fetch?url={url}")).await;
        assert_eq!((response.status, response.body.as_str()), (500, ""), "{callee}");
        application.reported("probe", &format!("it calls component {callee}, which no trigger")).await;
    }
}

#[tokio::test]
async fn a_chained_header_value_that_is_not_utf8_is_a_500_to_the_caller() {
    let application = start(&[INNER]).await;
    assert_eq!(chained(&application, "/hello", "&odd=1").await, "500 ");
    application.reported("inner", "header x-odd is not UTF-8").await;
}

/// Responds to each request with the connection's number of requests so far and the head of the request.
async fn describe(mut stream: TcpStream) {
    for number in 1.. {
        let mut body = format!("{number} ");
        while !body.ends_with("\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else { return };
            body.push(byte.into());
        }
        let response = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(response.as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn calls_to_a_host_on_the_allow_list_share_a_connection_and_send_its_host_header() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(describe(stream));
        }
    });
    let url = format!("http://{address}");
    let application = start(&[&url]).await;
    for number in [1, 2] {
        let body = application.get(&format!("/forward?url={}", escape(&url))).await.body;
        assert!(body.starts_with(&format!("200 {number} GET / ")), "{body}");
        assert!(body.contains(&format!("host: {address}")) && !body.contains("host: probes.example"), "{body}");
    }
}

#[tokio::test]
async fn a_host_off_the_allow_list_is_denied_and_the_missing_entry_named() {
    let application = start(&["http://127.0.0.1:1"]).await;
    for url in ["http://127.0.0.1:2/", "http://localhost:1/", "https://127.0.0.1:1/", "http://example.com/x?y"] {
        assert_eq!(application.fetch(url, "").await, "error: ErrorCode::HttpRequestDenied", "{url}");
    }
    application.reported("probe", "add \"http://example.com\" to allowed_outbound_hosts").await;
}

#[tokio::test]
async fn calls_that_cannot_work_fail_with_their_reason() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let closed = format!("http://{closed}");
    let application = start(&[&closed, "http://no-such-host.invalid"]).await;
    assert_eq!(application.fetch(&closed, "").await, "error: ErrorCode::ConnectionRefused");
    let unknown = application.fetch("http://no-such-host.invalid/", "").await;
    assert!(unknown.contains("DnsError"), "{unknown}");
}
