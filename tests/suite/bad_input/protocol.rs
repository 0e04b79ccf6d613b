//! What no guest ever sees: the host refuses it.

use serde_json::json;
use support::exchange;

use super::{nothing_happened, with_an_item};

#[tokio::test(flavor = "multi_thread")]
async fn header_values_that_are_not_utf8_are_answered_500_by_the_host() {
    let app = with_an_item().await;
    for name in ["X-Anything", "X-Request-Id", "Idempotency-Key", "Content-Type", "traceparent"] {
        let request = app.http().post(app.url("/items")).header(name, &b"\"\xff\xfe\""[..]);
        let answer = request.body(json!({ "name": "nut" }).to_string()).send().await.expect("an answer");
        // As in Spin: no guest is started.
        assert_eq!((answer.status().as_u16(), answer.text().await.expect("a body").as_str()), (500, ""), "{name}");
        nothing_happened(&app, name).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_in_headers_never_reach_the_service() {
    let app = with_an_item().await;
    for byte in [0x00, 0x01, 0x0b, 0x1b, 0x7f] {
        let mut request = b"POST /items HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Request-Id: a".to_vec();
        request.push(byte);
        request.extend(b"b\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"name\":\"nut\"}");
        let answer = exchange(app.address(), request).await;
        assert_eq!(answer.status, Some(400), "{byte:#x}: {answer:?}");
        nothing_happened(&app, "control character").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_no_http_are_refused_by_the_host() {
    let app = with_an_item().await;
    for request in [
        "hello\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        "GET /items HTTP/1.1\r\nHost : x\r\n\r\n",
        "POST /items HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello",
        "POST /items HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\nConnection: close\r\n\r\n",
        "POST /items HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\nConnection: close\r\n\r\n",
        "POST /items HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nZZ\r\n",
    ] {
        let answer = exchange(app.address(), request).await;
        assert!(matches!(answer.status, Some(400 | 505) | None), "{request:?}: {answer:?}");
        nothing_happened(&app, request).await;
    }
}
