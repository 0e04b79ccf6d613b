//! Calls between components of the application.

use crate::support::{Application, escape, start, start_with};
use std::time::Duration;

const INNER: &str = "http://inner.spin.internal";

async fn fetch(application: &Application, path: &str, more: &str) -> String {
    application.get(&format!("/fetch?url={}{more}", escape(&format!("{INNER}{path}")))).await.body
}

#[tokio::test]
async fn a_private_component_answers_calls_from_inside() {
    let application = start(&[INNER]).await;
    assert_eq!(fetch(&application, "/hello", "").await, "200 hello");
    assert_eq!(fetch(&application, "/echo", "&body=ping").await, "200 ping");
}

#[tokio::test]
async fn a_chained_call_looks_like_one_to_a_wildcard_route_from_nowhere() {
    let application = start(&[INNER]).await;
    let body = fetch(&application, "/headers?a=b", "").await;
    for line in [
        "path /headers?a=b",
        "authority inner.spin.internal",
        "spin-path-info: /headers",
        "spin-full-url: http://localhost/headers?a=b",
        "spin-matched-route: /...",
        "spin-client-addr: 0.0.0.0:0",
    ] {
        assert!(body.contains(line), "{line} is missing in\n{body}");
    }
    assert!(!body.contains("\nhost: "), "{body}");
}

#[tokio::test]
async fn a_chained_call_needs_an_entry_on_the_allow_list() {
    let application = start(&["http://other.spin.internal"]).await;
    assert_eq!(fetch(&application, "/hello", "").await, "error: ErrorCode::HttpRequestDenied");
    application.line("add \"http://inner.spin.internal\" to allowed_outbound_hosts").await;
}

#[tokio::test]
async fn a_trap_of_the_callee_is_a_500_to_the_caller() {
    let application = start(&[INNER]).await;
    assert_eq!(fetch(&application, "/trap", "").await, "500 ");
    assert_eq!(&*application.line("unreachable").await.component, "inner");
}

#[tokio::test]
async fn a_callee_that_breaks_off_its_body_is_noticed_by_the_caller() {
    let application = start(&[INNER]).await;
    let body = fetch(&application, "/unfinished-body", "").await;
    assert!(body.starts_with("error: "), "{body}");
}

#[tokio::test]
async fn a_chained_call_honours_no_time_out() {
    let application = start(&[INNER]).await;
    assert_eq!(fetch(&application, "/wait?ms=300", "&first_byte_ms=50").await, "200 waited");
}

#[tokio::test]
async fn a_component_that_does_not_exist_cannot_be_called() {
    let application = start(&["http://gone.spin.internal"]).await;
    let url = escape("http://gone.spin.internal/");
    assert_eq!(application.get(&format!("/fetch?url={url}")).await.body, "error: ErrorCode::DestinationNotFound");
}

#[tokio::test]
async fn calls_that_go_round_in_circles_end() {
    let application = start_with(&[INNER], |limits| limits.chain_depth = 1).await;
    let deeper = format!("/fetch?url={}", escape(&format!("{INNER}/hello")));
    assert_eq!(fetch(&application, &deeper, "").await, "200 error: ErrorCode::LoopDetected");
}

#[tokio::test]
async fn chained_calls_do_not_wait_for_the_places_of_their_callers() {
    let application = start_with(&[INNER], |limits| {
        limits.guests = 1;
        limits.queue_wait = Duration::from_secs(3600);
    })
    .await;
    assert_eq!(fetch(&application, "/hello", "").await, "200 hello");
}
