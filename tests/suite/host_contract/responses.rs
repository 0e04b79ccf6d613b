//! What a component's response becomes on the wire, and the work after it.

use super::probes::{PATIENCE, start};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;

#[tokio::test]
async fn head_is_answered_without_a_body() {
    let application = start(&[]).await;
    let response = application.send("HEAD /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    assert_eq!((response.status, response.body.as_str()), (200, ""));
}

#[tokio::test]
async fn a_body_that_is_not_finished_never_looks_complete() {
    let application = start(&[]).await;
    for path in ["/unfinished-body", "/sized?bytes=3&length=4"] {
        let response = application.get(path).await;
        assert!(!response.complete, "{path}: {response:?}");
    }
}

#[tokio::test]
async fn a_body_with_a_length_is_sent_with_it() {
    let application = start(&[]).await;
    let response = application.get("/sized?bytes=4&length=4").await;
    assert_eq!((response.header("content-length"), response.body.as_str()), (Some("4"), "xxxx"));
}

#[tokio::test]
async fn the_response_does_not_wait_for_the_work_after_it() {
    let application = start(&[]).await;
    let response = application.get("/after-response?ms=500&say=lunch").await;
    assert_eq!((response.body.as_str(), response.complete), ("answered", true));
    assert!(!application.lines.all().iter().any(|line| line.text == "after lunch"), "the instance is still at work");
    application.line("after lunch").await;
}

#[tokio::test]
async fn an_instance_works_on_when_its_client_hangs_up() {
    let application = start(&[]).await;
    let mut stream = application.open("GET /after-response?ms=300&say=goodbye HTTP/1.1\r\nHost: h\r\n\r\n").await;
    stream.read_u8().await.expect("the response must begin");
    drop(stream);
    application.line("after goodbye").await;
}

#[tokio::test]
async fn a_slow_reader_makes_the_writes_wait() {
    let application = start(&[]).await;
    let mut stream = application.open("GET /stream?mib=64 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    application.line("written 1 MiB").await;
    let ahead = application.lines.wait_for("written 32 MiB", Duration::from_millis(500)).await;
    assert!(ahead.is_none(), "the client has read nothing: {:?}", application.lines.all().last());
    let mut bytes = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the body must come").unwrap();
    assert!(bytes.len() > 64 << 20 && bytes.ends_with(b"\r\n0\r\n\r\n"), "{} bytes", bytes.len());
}

#[tokio::test]
async fn a_write_fails_when_the_reader_is_gone() {
    let application = start(&[]).await;
    let stream = application.open("GET /stream?mib=64 HTTP/1.1\r\nHost: h\r\n\r\n").await;
    application.line("written 1 MiB").await;
    drop(stream);
    application.line("the reader is gone").await;
}
