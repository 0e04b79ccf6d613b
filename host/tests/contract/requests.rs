//! What reaches a guest, and as what.

use crate::support::{PATIENCE, start, start_with};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;

#[tokio::test]
async fn a_guest_answers_on_its_route() {
    let application = start(&[]).await;
    let answer = application.get("/hello").await;
    assert_eq!((answer.status, answer.body.as_str(), answer.whole), (200, "hello", true));
}

#[tokio::test]
async fn the_most_exact_route_wins_and_outer_slashes_are_ignored() {
    let application = start(&[]).await;
    for (path, route) in [
        ("/of/me/headers", "/of/:owner/..."),
        ("//of/me/headers/", "/of/:owner/..."),
        ("/headers", "/..."),
        ("/x/y/headers", "/..."),
    ] {
        let answer = application.get(path).await;
        let header = format!("spin-raw-component-route: {route}");
        assert!(answer.body.contains(&header), "{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_guest_learns_of_its_route_through_headers() {
    let application = start(&[]).await;
    let body = application.get("/of/me/headers?a=b").await.body;
    for line in [
        "spin-path-info: /headers",
        "spin-full-url: http://probes.example/of/me/headers?a=b",
        "spin-matched-route: /of/:owner/...",
        "spin-raw-component-route: /of/:owner/...",
        "spin-component-route: /of/:owner",
        "spin-base-path: /",
        "spin-path-match-owner: me",
        "spin-client-addr: 127.0.0.1:",
        "path /of/me/headers?a=b",
        "authority probes.example",
    ] {
        assert!(body.contains(line), "{line} is missing in\n{body}");
    }
}

#[tokio::test]
async fn spin_headers_stand_behind_those_the_client_made_up() {
    let application = start(&[]).await;
    let request = "GET /headers HTTP/1.1\r\nHost: h\r\nSpin-Client-Addr: forged\r\nConnection: close\r\n\r\n";
    let body = application.send(request).await.body;
    let addresses: Vec<_> = body.lines().filter(|line| line.starts_with("spin-client-addr")).collect();
    assert_eq!(addresses[0], "spin-client-addr: forged", "{body}");
    assert!(addresses[1].starts_with("spin-client-addr: 127.0.0.1:"), "{body}");
}

#[tokio::test]
async fn what_no_route_covers_is_404_without_a_body() {
    let manifest = crate::support::manifest(&[]).replace("route = \"/...\"", "route = \"/only\"");
    let folder = crate::support::Folder::new(&manifest);
    let host = host::Host::start(folder.options()).await.expect("the probes must start");
    let mut stream = tokio::net::TcpStream::connect(host.address()).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET /other HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut bytes = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("an answer must come").unwrap();
    let answer = crate::support::Answer::parse(&bytes);
    assert_eq!((answer.status, answer.body.as_str(), answer.whole), (404, "", true));
}

#[tokio::test]
async fn the_host_answers_for_its_health_and_its_name() {
    let application = start(&[]).await;
    let health = application.get("/.well-known/spin/health").await;
    assert_eq!((health.status, health.body.as_str()), (200, "OK"));
    let info = application.get("/.well-known/spin/info").await;
    assert_eq!(info.header("content-type"), Some("application/json"));
    assert_eq!(info.body, "{\n  \"name\": \"probes\",\n  \"version\": \"1.2.3\"\n}");
    assert_eq!(application.get("/.well-known/spin/other").await.status, 404);
}

#[tokio::test]
async fn a_request_without_one_clear_host_gets_no_answer() {
    let application = start(&[]).await;
    for request in [
        "GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n",
        "GET http://one/hello HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n",
    ] {
        assert_eq!(application.send(request).await.status, 0, "{request}");
    }
}

#[tokio::test]
async fn a_url_in_the_request_line_names_the_host() {
    let application = start(&[]).await;
    let request = "GET http://one:81/headers HTTP/1.1\r\nHost: one:81\r\nConnection: close\r\n\r\n";
    let body = application.send(request).await.body;
    assert!(body.contains("authority one:81") && body.contains("path /headers"), "{body}");
}

#[tokio::test]
async fn no_host_header_leads_to_a_private_component() {
    let application = start(&[]).await;
    let origin_form = "GET /hello HTTP/1.1\r\nHost: inner.spin.internal\r\nConnection: close\r\n\r\n";
    assert_eq!(application.send(origin_form).await.status, 0, "the header is removed, so no host is left");
    let absolute_form =
        "GET http://inner.spin.internal/headers HTTP/1.1\r\nHost: inner.spin.internal\r\nConnection: close\r\n\r\n";
    let body = application.send(absolute_form).await.body;
    assert!(body.contains("spin-client-addr: 127.0.0.1:"), "the public component answers: {body}");
}

#[tokio::test]
async fn a_header_value_that_is_not_utf8_is_answered_500() {
    let application = start(&[]).await;
    let answer =
        application.send(b"GET /hello HTTP/1.1\r\nHost: h\r\nX-Odd: \xff\xfe\r\nConnection: close\r\n\r\n").await;
    assert_eq!((answer.status, answer.body.as_str()), (500, ""));
    assert_eq!(&*application.line("header x-odd is not UTF-8").await.component, "probe");
}

#[tokio::test]
async fn a_head_beyond_the_limit_is_answered_431() {
    let application = start(&[]).await;
    let request =
        |size| format!("GET /hello HTTP/1.1\r\nHost: h\r\nX-Large: {}\r\nConnection: close\r\n\r\n", "x".repeat(size));
    assert_eq!(application.send(request(100 << 10)).await.status, 200);
    assert_eq!(application.send(request(140 << 10)).await.status, 431);
}

#[tokio::test]
async fn a_client_that_sends_nothing_more_is_let_go() {
    let application = start_with(&[], |limits| limits.header_wait = Duration::from_millis(200)).await;
    for request in ["GET /hello HTTP/1.1\r\nHost: h", "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"] {
        let mut stream = application.open(request).await;
        let mut bytes = Vec::new();
        let closed = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
        assert!(closed.is_ok(), "the connection must be closed: {request:?}");
    }
}

#[tokio::test]
async fn a_connection_serves_one_request_after_another() {
    let application = start(&[]).await;
    let both =
        "GET /hello HTTP/1.1\r\nHost: h\r\n\r\nGET /status?code=204 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let mut stream = application.open(both).await;
    let mut text = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut text)).await.expect("both answers must come").unwrap();
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("HTTP/1.1 204"), "{text}");
}

#[tokio::test]
async fn a_request_body_reaches_the_guest_however_it_is_framed() {
    let application = start(&[]).await;
    let sized = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabcde";
    let chunked = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n";
    for request in [sized, chunked] {
        let answer = application.send(request).await;
        assert_eq!((answer.body.as_str(), answer.whole), ("abcde", true));
    }
}

#[tokio::test]
async fn a_full_queue_is_answered_503_with_retry_after() {
    let application = start_with(&[], |limits| {
        limits.guests = 1;
        limits.queue = 0;
    })
    .await;
    let _busy = application.open("GET /hang HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let answer = until(&application, 503).await;
    assert_eq!((answer.header("retry-after"), answer.body.as_str()), (Some("1"), ""));
}

#[tokio::test]
async fn a_request_that_waits_too_long_for_a_place_is_answered_503() {
    let application = start_with(&[], |limits| {
        limits.guests = 1;
        limits.queue_wait = Duration::from_millis(100);
    })
    .await;
    let _busy = application.open("GET /hang HTTP/1.1\r\nHost: h\r\n\r\n").await;
    until(&application, 503).await;
}

#[tokio::test]
async fn a_connection_beyond_the_limit_waits_for_its_turn() {
    let application = start_with(&[], |limits| limits.connections = 1).await;
    let first = application.open("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let second = application.get("/hello");
    let mut second = std::pin::pin!(second);
    let early = tokio::time::timeout(Duration::from_millis(300), second.as_mut()).await;
    assert!(early.is_err(), "the first connection still takes the only place");
    drop(first);
    assert_eq!(second.await.status, 200);
}

/// Repeats a request until it is answered with `status`: the one that makes the host busy takes a moment to arrive.
async fn until(application: &crate::support::Application, status: u16) -> crate::support::Answer {
    let asking = async {
        loop {
            let answer = application.get("/hello").await;
            if answer.status == status {
                return answer;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("no answer with status {status}"))
}
