//! HTTP calls to other hosts and to the application itself.

use crate::support::{Application, escape, start};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

async fn fetch(application: &Application, url: &str, more: &str) -> String {
    application.get(&format!("/fetch?url={}{more}", escape(url))).await.body
}

/// A server that gives each connection to `serve`; its URL.
async fn server<F, S>(serve: S) -> String
where
    S: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    url
}

/// Reads one request's head.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// Answers each request of a connection with the connection's own number of requests so far.
async fn count(mut stream: TcpStream) {
    for number in 1.. {
        if head(&mut stream).await.is_empty() {
            return;
        }
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}");
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn a_host_on_the_allow_list_can_be_called_and_connections_are_kept() {
    let url = server(count).await;
    let application = start(&[&url]).await;
    assert_eq!(fetch(&application, &url, "").await, "200 1");
    assert_eq!(fetch(&application, &url, "").await, "200 2");
}

#[tokio::test]
async fn a_host_off_the_allow_list_is_denied_and_the_missing_entry_named() {
    let application = start(&["http://127.0.0.1:1"]).await;
    for url in ["http://127.0.0.1:2/", "http://localhost:1/", "https://127.0.0.1:1/", "http://example.com/x?y"] {
        assert_eq!(fetch(&application, url, "").await, "error: ErrorCode::HttpRequestDenied", "{url}");
    }
    let line = application.line("add \"http://example.com\" to allowed_outbound_hosts").await;
    assert_eq!(&*line.component, "probe");
}

#[tokio::test]
async fn the_host_header_is_that_of_the_url() {
    let url = server(|mut stream| async move {
        let head = head(&mut stream).await;
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{head}", head.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let application = start(&[&url]).await;
    let body = application.get(&format!("/forward?url={}", escape(&url))).await.body;
    assert!(body.contains(&format!("host: {}", &url["http://".len()..])), "{body}");
    assert!(!body.contains("probes.example\r\n") || body.contains("spin-full-url"), "{body}");
}

#[tokio::test]
async fn the_time_outs_of_a_call_are_honoured() {
    let silent = server(|mut stream| async move {
        head(&mut stream).await;
        std::future::pending().await
    })
    .await;
    let stalling = server(|mut stream| async move {
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart").await.unwrap();
        std::future::pending().await
    })
    .await;
    let application = start(&[&silent, &stalling]).await;
    let late = fetch(&application, &silent, "&first_byte_ms=100").await;
    assert_eq!(late, "error: ErrorCode::ConnectionReadTimeout");
    let broken_off = fetch(&application, &stalling, "&between_bytes_ms=100").await;
    assert!(broken_off.contains("connection read timeout"), "{broken_off}");
}

#[tokio::test]
async fn calls_that_cannot_work_fail_with_their_reason() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let closed = format!("http://{closed}");
    let application = start(&[&closed, "https://127.0.0.1:1", "http://no-such-host.invalid"]).await;
    assert_eq!(fetch(&application, &closed, "").await, "error: ErrorCode::ConnectionRefused");
    let unknown = fetch(&application, "http://no-such-host.invalid/", "").await;
    assert!(unknown.contains("DnsError"), "{unknown}");
    let secure = fetch(&application, "https://127.0.0.1:1/", "").await;
    assert!(secure.contains("InternalError") && secure.contains("no TLS"), "{secure}");
}

#[tokio::test]
async fn the_application_can_call_itself_when_self_is_allowed() {
    let application = start(&["http://self"]).await;
    assert_eq!(fetch(&application, "http://self.alt/hello", "").await, "200 hello");
    let stranger = start(&["http://localhost"]).await;
    assert_eq!(fetch(&stranger, "http://self.alt/hello", "").await, "error: ErrorCode::HttpRequestDenied");
    stranger.line("add \"http://self\" to allowed_outbound_hosts").await;
}
