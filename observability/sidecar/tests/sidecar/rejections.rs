//! Requests that are not valid exports, or too large.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::encoding::encode_varint;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::otlp::{request, traces};
use crate::support::{CLIENT, Scrape, export, get, without_database};

/// The largest body that the sidecar accepts, in bytes.
pub const LIMIT: usize = 8 << 20;

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn malformed_exports_get_400_and_count_nothing() {
    let sidecar = without_database().await;
    let good = traces(vec![request("GET", "/items", "200", 1), request("GET", "/items", "200", 1)]);
    let gzipped = gzip(&good);
    // A second resource whose one span has a name that is an integer.
    let wrong_type = [&good[..], &[0x0a, 6, 0x12, 4, 0x12, 2, 0x28, 1]].concat();
    for (what, encoding, body) in [
        ("JSON", None, b"{\"resourceSpans\":[]}".to_vec()),
        ("an incomplete message", None, good[..good.len() - 1].to_vec()),
        ("a field of another type", None, wrong_type),
        ("not gzip", Some("gzip"), good.clone()),
        ("incomplete gzip", Some("gzip"), gzipped[..gzipped.len() - 9].to_vec()),
    ] {
        let (status, body) = export(&sidecar, "/v1/traces", encoding, body).await;
        assert_eq!((status, body[0]), (400, 0x12), "{what}: the body is a message with field 2");
    }
    let scrape = Scrape::of(&sidecar).await;
    assert_eq!(scrape.value("otlp_spans_received_total"), Some(0.0));
    assert_eq!(scrape.value(r#"otlp_exports_total{signal="traces",code="400"}"#), Some(5.0));
    assert!(scrape.series(&["http_server"]).is_empty());
}

#[tokio::test]
async fn gzipped_and_empty_exports_are_accepted_of_every_signal() {
    let sidecar = without_database().await;
    let body = traces(vec![request("GET", "/items", "200", 1)]);
    for path in ["/v1/traces", "/v1/metrics", "/v1/logs"] {
        for (encoding, body) in [(None, vec![]), (Some("gzip"), gzip(&body))] {
            assert_eq!(export(&sidecar, path, encoding, body).await, (200, vec![]), "{path}");
        }
    }
    let scrape = Scrape::of(&sidecar).await;
    assert_eq!(scrape.value("otlp_spans_received_total"), Some(1.0), "metrics and logs are not read");
    assert_eq!(scrape.value(r#"otlp_exports_total{signal="metrics",code="200"}"#), Some(2.0));
}

#[tokio::test]
async fn bodies_over_the_limit_get_413_as_sent_or_inflated() {
    let sidecar = without_database().await;
    // The largest body that is accepted: empty spans.
    let mut largest = vec![[0x12_u8, 0]; LIMIT / 2 - 8].concat();
    for field in [0x12, 0x0a] {
        let content = std::mem::replace(&mut largest, vec![field]);
        encode_varint(content.len() as u64, &mut largest);
        largest.extend(content);
    }
    assert!(largest.len() <= LIMIT);
    assert_eq!(export(&sidecar, "/v1/traces", Some("gzip"), gzip(&largest)).await.0, 200);
    assert_eq!(export(&sidecar, "/v1/traces", None, largest).await.0, 200);
    let received = Scrape::of(&sidecar).await.value("otlp_spans_received_total");
    assert_eq!(received, Some(2.0 * (LIMIT / 2 - 8) as f64));

    let bomb = gzip(&vec![0; 2 * LIMIT]);
    assert!(bomb.len() < LIMIT);
    assert_eq!(export(&sidecar, "/v1/traces", Some("gzip"), bomb).await.0, 413);
    // The response comes before the body is sent.
    let mut stream = TcpStream::connect(sidecar.otlp_address()).await.unwrap();
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: {}\r\n\r\n",
        LIMIT + 1
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
}

#[tokio::test]
async fn other_types_encodings_methods_and_paths_are_rejected() {
    let sidecar = without_database().await;
    let post = async |media_type: &str, encoding: &str| {
        let request = CLIENT.post(format!("http://{}/v1/traces", sidecar.otlp_address()));
        let request = request.header("content-type", media_type).header("content-encoding", encoding);
        request.send().await.unwrap().status()
    };
    assert_eq!(post("application/x-protobuf", "identity").await, 200);
    assert_eq!(post("application/json", "identity").await, 415);
    assert_eq!(post("application/x-protobuf", "br").await, 415);
    assert_eq!(get(sidecar.otlp_address(), "/v1/traces").await.status(), 405);
    assert_eq!(get(sidecar.otlp_address(), "/metrics").await.status(), 404);
    assert_eq!(get(sidecar.metrics_address(), "/v1/traces").await.status(), 404);
}
