//! Requests that are not well-formed HTTP: the host refuses them, and no component sees them.

use super::{nothing_happened, with_an_item};

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_in_headers_are_answered_400_by_the_host() {
    let app = with_an_item().await;
    for byte in [0x00, 0x01, 0x0b, 0x1b, 0x7f] {
        let mut request = b"POST /items HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Request-Id: a".to_vec();
        request.push(byte);
        request.extend(b"b\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"name\":\"nut\"}");
        let response = app.exchange(request).await;
        assert_eq!(response.status, Some(400), "{byte:#x}: {response:?}");
        nothing_happened(&app, "control character").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_not_http_are_refused_by_the_host() {
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
        let response = app.exchange(request).await;
        assert!(matches!(response.status, Some(400 | 505) | None), "{request:?}: {response:?}");
        nothing_happened(&app, request).await;
    }
}
