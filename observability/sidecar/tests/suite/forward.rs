//! Exports that go on to another receiver.

use std::net::SocketAddr;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::refusals::gzip;
use crate::support::http::export;
use crate::support::otlp::{request, traces};
use crate::support::{GRACE, Scrape, eventually, start, without_database};

/// Answers one request per connection and gives back what came: the head in lower case, and the body.
async fn receiver(requests: usize) -> (SocketAddr, JoinHandle<Vec<(String, Vec<u8>)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let mut received = Vec::new();
        while received.len() < requests {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            let (head, body) = loop {
                stream.read_buf(&mut bytes).await.unwrap();
                let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
                let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
                if bytes.len() >= end + 4 + length.unwrap_or(0) {
                    break (head, bytes.split_off(end + 4));
                }
            };
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await.unwrap();
            received.push((head, body));
        }
        received
    });
    (address, task)
}

#[tokio::test]
async fn exports_go_on_byte_by_byte_and_refused_ones_do_not() {
    let (address, receiver) = receiver(3).await;
    let mut options = without_database();
    options.forward = Some(format!("http://{address}/prefix/"));
    let sidecar = start(options).await;
    let spans = traces(vec![request("GET", "/items", "200", 1)]);
    let sent = [
        ("/v1/traces", None, spans.clone()),
        ("/v1/traces", Some("gzip"), gzip(&spans)),
        ("/v1/logs", None, b"any".to_vec()),
    ];
    assert_eq!(export(sidecar.otlp_address(), "/v1/traces", None, "no").await.status, 400);
    for (path, encoding, body) in sent.clone() {
        assert_eq!(export(sidecar.otlp_address(), path, encoding, body).await.status, 200);
    }
    for ((head, body), (path, encoding, expected)) in receiver.await.unwrap().into_iter().zip(sent) {
        assert!(head.starts_with(&format!("post /prefix{path} http/1.1\r\n")), "{head}");
        assert!(head.contains("content-type: application/x-protobuf"), "{head}");
        assert_eq!(head.contains("content-encoding: gzip"), encoding.is_some(), "{head}");
        assert_eq!(body, expected);
    }
    eventually("three exports passed on", &sidecar, |scrape| {
        scrape.value(r#"otlp_forwarded_exports_total{outcome="ok"}"#) == Some(3.0)
    })
    .await;
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_nobody_up_and_what_it_misses_is_counted() {
    // It takes connections and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = without_database();
    options.forward = Some(format!("http://{}", listener.local_addr().unwrap()));
    let sidecar = start(options).await;
    let large = vec![0; 6 << 20];
    let begin = Instant::now();
    for _ in 0..6 {
        assert_eq!(export(sidecar.otlp_address(), "/v1/logs", None, large.clone()).await.status, 200);
    }
    assert!(begin.elapsed() < GRACE, "{:?}", begin.elapsed());
    let scrape = Scrape::of(&sidecar).await;
    assert_eq!(
        scrape.value(r#"otlp_forwarded_exports_total{outcome="dropped"}"#),
        Some(4.0),
        "two of six fit into 16 MiB"
    );
}

#[tokio::test]
async fn a_receiver_that_is_not_there_is_counted() {
    let mut options = without_database();
    options.forward = Some("http://127.0.0.1:1".into());
    let sidecar = start(options).await;
    assert_eq!(export(sidecar.otlp_address(), "/v1/traces", None, "").await.status, 200);
    eventually("a failure", &sidecar, |scrape| {
        scrape.value(r#"otlp_forwarded_exports_total{outcome="failed"}"#) == Some(1.0)
    })
    .await;
}

#[tokio::test]
async fn what_waits_is_passed_on_before_the_sidecar_ends() {
    let (address, receiver) = receiver(20).await;
    let mut options = without_database();
    options.forward = Some(format!("http://{address}"));
    let sidecar = start(options).await;
    for _ in 0..20 {
        assert_eq!(export(sidecar.otlp_address(), "/v1/logs", None, "x").await.status, 200);
    }
    sidecar.shutdown(GRACE).await;
    assert_eq!(receiver.await.unwrap().len(), 20);
}
