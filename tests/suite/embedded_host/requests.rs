//! Requests that this host refuses or limits and Spin does not.

use std::time::Duration;

use host::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::host_contract::probes::{Application, PATIENCE, Response, manifest, start, start_manifest, start_with};

#[tokio::test]
async fn a_request_that_does_not_name_exactly_one_host_is_answered_400_and_logged() {
    let application = start(&[]).await;
    // RFC 9112, section 3.2.
    for (request, reason) in [
        (&b"GET /hello HTTP/1.1\r\n\r\n"[..], "no Host header"),
        (b"GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n", "not a valid authority"),
        (b"GET /hello HTTP/1.1\r\nHost: \xff\r\n\r\n", "not a valid authority"),
        (b"GET /hello HTTP/1.1\r\nHost: one\r\nHost: one\r\n\r\n", "more than one host"),
        (b"GET http://one/hello HTTP/1.1\r\nHost: other\r\n\r\n", "more than one host"),
    ] {
        let response = application.send(request).await;
        assert_eq!((response.status, response.header("connection")), (400, Some("close")), "{reason}: {response:?}");
        application.line(reason).await;
    }
    assert_eq!(application.lines.all().len(), 5, "each is logged: {:#?}", application.lines.all());
}

#[tokio::test]
async fn a_head_beyond_the_limit_is_answered_431() {
    let application = start(&[]).await;
    let request =
        |size| format!("GET /hello HTTP/1.1\r\nHost: h\r\nX-Large: {}\r\nConnection: close\r\n\r\n", "x".repeat(size));
    assert_eq!(application.send(request(100 << 10)).await.status, 200);
    assert_eq!(application.send(request(140 << 10)).await.status, 431);
    let text = all_of(&application, request(1 << 20)).await;
    assert!(text.starts_with("HTTP/1.1 431 "), "sent as a whole before the response is read: {text}");
}

/// Sends everything, then reads until the host closes the connection, which must not be reset.
async fn all_of(application: &Application, request: impl AsRef<[u8]>) -> String {
    let mut stream = application.open(request).await;
    let mut text = String::new();
    let reading = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut text)).await;
    reading.expect("the connection must end").expect("the connection is closed, not reset");
    text
}

/// As [`all_of`], with a second request behind the first. The second one is answered, or the first response says that
/// the connection closes (RFC 9112, section 9.6).
async fn refused(application: &Application, path: &str, framing: &str, body: &str, status: u16) {
    let request = format!("POST {path} HTTP/1.1\r\nHost: h\r\n{framing}\r\n\r\n{body}");
    let next = "GET /.well-known/spin/health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let text = all_of(application, request + next).await;
    let (head, rest) = text.split_once("\r\n\r\n").expect("a response");
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{path}, {framing}: {text}");
    let closes = head.contains("\r\nconnection: close");
    assert_eq!(rest.contains("HTTP/1.1 200 OK"), !closes, "{path}, {framing}: {text}");
}

#[tokio::test]
async fn the_body_of_a_request_that_the_host_refuses_is_read_so_that_the_client_gets_the_response() {
    let manifest = manifest(&[]).replace("route = \"/...\"", "route = \"/p/...\"");
    let application = start_manifest(&manifest, |_| {}).await;
    for length in [256 << 10, 3 << 20] {
        let body = "x".repeat(length);
        for (framing, body) in [
            (format!("Content-Length: {length}"), body.clone()),
            ("Transfer-Encoding: chunked".to_owned(), format!("{length:x}\r\n{body}\r\n0\r\n\r\n")),
        ] {
            for framing in [framing.clone(), format!("{framing}\r\nExpect: 100-continue")] {
                refused(&application, "/no-route", &framing, &body, 404).await;
            }
        }
    }
}

#[tokio::test]
async fn a_refused_body_that_does_not_end_is_cut_off() {
    let manifest = manifest(&[]).replace("route = \"/...\"", "route = \"/p/...\"");
    let application = start_manifest(&manifest, |_| {}).await;
    let head = "POST /no-route HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    let text = all_of(&application, head).await;
    assert!(text.starts_with("HTTP/1.1 404 ") && text.contains("connection: close"), "a silent client: {text}");
    let mut stream = application.open(head).await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(1 << 16));
    let sending = async { while stream.write_all(chunk.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, sending).await.expect("the connection of an endless one must end");
}

#[tokio::test]
async fn the_connection_of_a_silent_client_is_closed() {
    let application = start_with(&[], |limits| limits.header_wait = Duration::from_millis(200)).await;
    for request in ["GET /hello HTTP/1.1\r\nHost: h", "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"] {
        let mut stream = application.open(request).await;
        let mut bytes = Vec::new();
        let closed = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
        assert!(closed.is_ok(), "the connection must be closed: {request:?}");
    }
}

#[tokio::test]
async fn a_request_that_gets_no_instance_in_time_is_answered_503_with_retry_after() {
    for (queue, wait) in [(0, PATIENCE), (512, Duration::from_millis(100))] {
        let change = |limits: &mut Limits| (limits.instances, limits.queue, limits.queue_wait) = (1, queue, wait);
        let application = start_with(&[], change).await;
        let _busy = application.open("GET /hang HTTP/1.1\r\nHost: h\r\n\r\n").await;
        let response = until(&application, 503).await;
        assert_eq!((response.header("retry-after"), response.body.as_str()), (Some("1"), ""));
        let chunk = format!("40000\r\n{}\r\n0\r\n\r\n", "x".repeat(1 << 18));
        refused(&application, "/hello", "Transfer-Encoding: chunked", &chunk, 503).await;
    }
}

#[tokio::test]
async fn a_connection_beyond_the_limit_waits_for_its_turn() {
    let application = start_with(&[], |limits| limits.connections = 1).await;
    let first = application.open("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let second = application.get("/hello");
    let mut second = std::pin::pin!(second);
    let early = tokio::time::timeout(Duration::from_millis(300), second.as_mut()).await;
    assert!(early.is_err(), "the first connection still has the only place");
    drop(first);
    assert_eq!(second.await.status, 200);
}

/// Repeats a request until it is answered with `status`: the request that makes the host busy takes a moment to arrive.
async fn until(application: &Application, status: u16) -> Response {
    let asking = async {
        loop {
            let response = application.get("/hello").await;
            if response.status == status {
                return response;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("no response with status {status}"))
}

#[tokio::test]
async fn information_about_the_application_is_not_offered() {
    assert_eq!(start(&[]).await.get("/.well-known/spin/info").await.status, 404);
}
