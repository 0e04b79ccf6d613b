//! Calls that this host refuses and Spin does not.

use std::time::Duration;
use tokio::net::TcpListener;

use crate::host_contract::calls::{INNER, chained};
use crate::host_contract::probes::{escape, start, start_with};

#[tokio::test]
async fn chained_calls_have_places_of_their_own_and_503_beyond_them() {
    let application = start_with(&[INNER], |limits| {
        limits.instances = 1;
        limits.queue_wait = Duration::from_secs(3600);
    })
    .await;
    assert_eq!(chained(&application, "/hello", "").await, "200 hello");
    let deeper = format!("/fetch?url={}", escape(&format!("{INNER}/hello")));
    assert_eq!(chained(&application, &deeper, "").await, "200 503 ");
}

#[tokio::test]
async fn calls_with_tls_or_timeouts_fail_and_say_so() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let closed = format!("http://{closed}");
    let application = start(&[&closed, "https://127.0.0.1:1"]).await;
    for (url, more, reason) in [
        ("https://127.0.0.1:1/", "", "InternalError(Some(\"this host does not offer TLS"),
        (&closed, "&timeout_ms=100", "InternalError(Some(\"this host does not offer timeouts"),
    ] {
        let body = application.fetch(url, more).await;
        assert!(body.contains(reason), "{body}");
    }
}
