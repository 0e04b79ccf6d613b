//! What is no export, or too much of one.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Request;
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::http::{export, get, send};
use crate::support::otlp::{request, traces};
use crate::support::{Scrape, start, without_database};

const LIMIT: usize = 8 << 20;

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn malformed_exports_get_400_and_count_nothing() {
    let sidecar = start(without_database()).await;
    let good = traces(vec![request("GET", "/items", "200", 1), request("GET", "/items", "200", 1)]);
    let cut = good[..good.len() - 1].to_vec();
    // A second resource whose one span has a name that is no string.
    let wrong_kind = [&good[..], &[0x0a, 6, 0x12, 4, 0x12, 2, 0x28, 1]].concat();
    let gzipped = gzip(&good);
    for (what, encoding, body) in [
        ("text", None, b"{\"resourceSpans\":[]}".to_vec()),
        ("cut short", None, cut),
        ("a field of another kind", None, wrong_kind),
        ("not gzip", Some("gzip"), good.clone()),
        ("gzip cut short", Some("gzip"), gzipped[..gzipped.len() - 9].to_vec()),
    ] {
        for path in ["/v1/traces", "/v1/metrics"] {
            if path == "/v1/metrics" && what.starts_with("a field") {
                continue;
            }
            let answer = export(sidecar.otlp_address(), path, encoding, body.clone()).await;
            assert_eq!(answer.status, 400, "{what} to {path}");
            assert_eq!(answer.headers["content-type"], "application/x-protobuf");
            assert_eq!(answer.body[0], 0x12, "a message in field 2");
        }
    }
    let scrape = Scrape::of(&sidecar).await;
    assert_eq!(scrape.value("otlp_spans_received_total"), Some(0.0));
    assert_eq!(scrape.value(r#"otlp_exports_total{signal="traces",code="400"}"#), Some(5.0));
    assert!(scrape.series(&["http_server"]).is_empty());
}

#[tokio::test]
async fn gzip_is_understood_and_an_empty_export_is_one() {
    let sidecar = start(without_database()).await;
    let body = gzip(&traces(vec![request("GET", "/items", "200", 1)]));
    assert_eq!(export(sidecar.otlp_address(), "/v1/traces", Some("gzip"), body).await.status, 200);
    for path in ["/v1/traces", "/v1/metrics", "/v1/logs"] {
        assert_eq!(export(sidecar.otlp_address(), path, None, "").await.status, 200, "{path}");
    }
    assert_eq!(Scrape::of(&sidecar).await.value("otlp_spans_received_total"), Some(1.0));
}

#[tokio::test]
async fn huge_exports_get_413_inflated_ones_too() {
    let sidecar = start(without_database()).await;
    // The largest that is taken: spans without anything in them.
    let spans = vec![[0x12_u8, 0]; LIMIT / 2 - 8].concat();
    let mut largest = Vec::new();
    for field in [0x12, 0x0a] {
        let inner = if largest.is_empty() { spans.clone() } else { std::mem::take(&mut largest) };
        largest.push(field);
        prost::encoding::encode_varint(inner.len() as u64, &mut largest);
        largest.extend(inner);
    }
    assert!(largest.len() <= LIMIT);
    assert_eq!(export(sidecar.otlp_address(), "/v1/traces", None, largest.clone()).await.status, 200);
    assert_eq!(export(sidecar.otlp_address(), "/v1/traces", Some("gzip"), gzip(&largest)).await.status, 200);
    let received = Scrape::of(&sidecar).await.value("otlp_spans_received_total");
    assert_eq!(received, Some(2.0 * (LIMIT / 2 - 8) as f64));

    let bomb = gzip(&vec![0; 2 * LIMIT]);
    assert!(bomb.len() < LIMIT);
    assert_eq!(export(sidecar.otlp_address(), "/v1/traces", Some("gzip"), bomb).await.status, 413);
    // Said in the head, so that nothing of it is sent.
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
async fn other_types_encodings_methods_and_paths_are_refused() {
    let sidecar = start(without_database()).await;
    let post = |kind: &str, encoding: &str| {
        let request = Request::post(format!("http://{}/v1/traces", sidecar.otlp_address()));
        send(
            request
                .header("content-type", kind)
                .header("content-encoding", encoding)
                .body(Full::<Bytes>::default())
                .unwrap(),
        )
    };
    assert_eq!(post("application/x-protobuf", "identity").await.status, 200);
    assert_eq!(post("application/json", "identity").await.status, 415);
    assert_eq!(post("application/x-protobuf", "br").await.status, 415);
    assert_eq!(get(sidecar.otlp_address(), "/v1/traces").await.status, 405);
    assert_eq!(get(sidecar.otlp_address(), "/metrics").await.status, 404);
    assert_eq!(get(sidecar.metrics_address(), "/v1/traces").await.status, 404);
}
