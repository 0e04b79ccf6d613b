//! Spans that become series.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;
use sidecar::Sidecar;

use crate::support::otlp::{number, open, request, span, statement, text, traces};
use crate::support::{Scrape, export, without_database};

/// Exports the spans and returns the response.
async fn send(sidecar: &Sidecar, spans: Vec<Span>) -> ExportTraceServiceResponse {
    let (status, body) = export(sidecar, "/v1/traces", None, traces(spans)).await;
    assert_eq!(status, 200);
    ExportTraceServiceResponse::decode(&body[..]).unwrap()
}

/// The series whose value is not zero.
fn nonzero<'a>(scrape: &'a Scrape, prefixes: &[&str]) -> Vec<&'a str> {
    let mut series = scrape.series(prefixes);
    series.retain(|line| !line.ends_with(" 0") && !line.ends_with(" 0.0"));
    series
}

/// The series that begin with `prefix`, in alphabetical order.
fn sorted<'a>(scrape: &'a Scrape, prefix: &str) -> Vec<&'a str> {
    let mut series = scrape.series(&[prefix]);
    series.sort_unstable();
    series
}

#[tokio::test]
async fn the_spans_of_a_request_become_its_series() {
    let sidecar = without_database().await;
    let create = "SELECT outcome, id, item, relay FROM items_create($1, $2, $3, $4, $5, $6, $7)";
    let chained = vec![text("http.request.method", "POST"), number("http.response.status_code", 204)];
    let spans = vec![
        request("POST", "/items", "201", 3),
        open(7000),
        statement(create, 2, false),
        statement("SELECT audit_store($1)", 300, true),
        statement("SELECT pg_sleep(1)", 1, false),
        // The run of a component and the chaining to audit are not requests.
        span("execute_wasm_component items", SpanKind::Internal, 5, vec![]),
        span("POST", SpanKind::Client, 5, chained),
        span("execute_wasm_component audit", SpanKind::Internal, 5, vec![]),
    ];
    assert_eq!(send(&sidecar, spans).await, ExportTraceServiceResponse::default());

    let scrape = Scrape::of(&sidecar).await;
    let exemplar = format!("# {{trace_id=\"{}\"}}", "01".repeat(16));
    let labels = r#"http_route="/items",http_request_method="POST",http_response_status_code="201""#;
    assert_eq!(
        nonzero(&scrape, &["http_server"])[..4],
        [
            format!("http_server_request_duration_seconds_sum{{{labels}}} 0.003"),
            format!("http_server_request_duration_seconds_count{{{labels}}} 1"),
            format!("http_server_request_duration_seconds_bucket{{le=\"0.005\",{labels}}} 1 {exemplar} 0.003"),
            format!("http_server_request_duration_seconds_bucket{{le=\"0.01\",{labels}}} 1"),
        ]
    );
    assert_eq!(
        sorted(&scrape, "db_client_operation_duration_seconds_count"),
        [
            r#"db_client_operation_duration_seconds_count{operation="audit_store",outcome="error"} 1"#,
            r#"db_client_operation_duration_seconds_count{operation="items_create",outcome="ok"} 1"#,
            r#"db_client_operation_duration_seconds_count{operation="other",outcome="ok"} 1"#,
        ]
    );
    assert_eq!(
        nonzero(&scrape, &["db_client_connection"]),
        [
            "db_client_connection_wait_seconds_sum 7.0".to_owned(),
            "db_client_connection_wait_seconds_count 1".to_owned(),
            format!("db_client_connection_wait_seconds_bucket{{le=\"+Inf\"}} 1 {exemplar} 7.0"),
        ]
    );
    assert_eq!(scrape.value("otlp_spans_received_total"), Some(8.0));
    assert_eq!(scrape.value(r#"otlp_exports_total{signal="traces",code="200"}"#), Some(1.0));
}

#[tokio::test]
async fn a_status_may_be_a_number_and_unknown_values_become_other() {
    let sidecar = without_database().await;
    let with_number = |route: Option<&str>, code| {
        let mut attributes = vec![text("http.request.method", "GET"), number("http.response.status_code", code)];
        attributes.extend(route.map(|route| text("http.route", route)));
        span("GET", SpanKind::Server, 1, attributes)
    };
    let undecodable = |cause| {
        let mut span = with_number(Some("/items"), 500);
        span.attributes.push(text("error.type", cause));
        span
    };
    let spans = vec![
        with_number(Some("/items/:id"), 404),
        with_number(Some("/items/:id"), 99_404),
        request("BREW", "/items/17", "teapot", 1),
        // A request that Spin itself fails has no route; one with a header value that is not UTF-8 counts as such.
        with_number(None, 500),
        undecodable("invalid utf-8 sequence of 1 bytes from index 0"),
        undecodable("incomplete utf-8 byte sequence from index 3\n\nStack backtrace: …"),
    ];
    send(&sidecar, spans).await;
    assert_eq!(
        sorted(&Scrape::of(&sidecar).await, "http_server_request_duration_seconds_count"),
        [
            r#"http_server_request_duration_seconds_count{http_route="/items/:id",http_request_method="GET",http_response_status_code="404"} 1"#,
            r#"http_server_request_duration_seconds_count{http_route="/items/:id",http_request_method="GET",http_response_status_code="other"} 1"#,
            r#"http_server_request_duration_seconds_count{http_route="other",http_request_method="GET",http_response_status_code="500"} 3"#,
            r#"http_server_request_duration_seconds_count{http_route="other",http_request_method="other",http_response_status_code="other"} 1"#,
        ]
    );
}

#[tokio::test]
async fn spans_with_impossible_times_are_dropped_with_a_reason_and_reported_to_the_sender() {
    let sidecar = without_database().await;
    let mut spans = vec![request("GET", "/items", "200", 1), open(1), statement("SELECT audit_ready()", 1, false)];
    spans[0].start_time_unix_nano = 0;
    spans[1].end_time_unix_nano = spans[1].start_time_unix_nano - 1;
    spans[2].end_time_unix_nano = u64::MAX;
    let partial = send(&sidecar, spans).await.partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 3);
    assert!(!partial.error_message.is_empty());
    let scrape = Scrape::of(&sidecar).await;
    let reasons = ["no_time", "negative_duration", "absurd_duration"];
    let expected = reasons.map(|reason| format!("otlp_spans_dropped_total{{reason=\"{reason}\"}} 1"));
    let mut found = nonzero(&scrape, &["otlp_spans_dropped", "http_", "db_"]);
    found.sort_by_key(|line| expected.iter().position(|expected| expected == line));
    assert_eq!(found, expected);
}

#[tokio::test]
async fn ten_thousand_hostile_spans_make_no_more_series_than_there_is_room_for() {
    let sidecar = without_database().await;
    send(&sidecar, vec![request("GET", "/items", "200", 1)]).await;
    let statuses: Vec<u64> = (200..209).chain(400..432).chain(500..509).collect();
    let hostile = (0..10_000).map(|n: usize| {
        let long = "x".repeat(n % 500);
        let routes = ["/", "/items", "/items/:id", "/livez", "/readyz", "/...", &long];
        let methods = ["GET", "PUT", "POST", "HEAD", "DELETE", "TRACE", "PATCH", "QUERY"];
        let (which, milliseconds) = (n / 4, n as u64);
        let (route, method) = (routes[which % 7], methods[which / 7 % 8]);
        let status = statuses[which / 56 % statuses.len()].to_string();
        match n % 4 {
            0 => request(method, route, &status, milliseconds),
            1 => request(&format!("{method}{n}"), &format!("{route}{n}"), &format!("{n}{status}"), milliseconds),
            2 => statement(&format!("SELECT evil_{n}('{long}')"), milliseconds, n.is_multiple_of(3)),
            _ => open(milliseconds),
        }
    });
    for batch in hostile.collect::<Vec<_>>().chunks(512) {
        send(&sidecar, batch.to_vec()).await;
    }
    send(&sidecar, vec![request("GET", "/items", "200", 1)]).await;

    let scrape = Scrape::of(&sidecar).await;
    let requests = scrape.series(&["http_server_request_duration_seconds_count"]);
    assert!((400..=401).contains(&requests.len()), "{}: the limit, and `other`", requests.len());
    let known = r#"{http_route="/items",http_request_method="GET",http_response_status_code="200"}"#;
    let first = scrape.value(&format!("http_server_request_duration_seconds_count{known}")).unwrap();
    assert!(first >= 2.0, "an early series stays");
    let operations = scrape.series(&["db_client_operation_duration_seconds_count"]);
    assert_eq!(operations.len(), 2, "other, ok and failed");
    let waits = scrape.series(&["db_client_connection_wait_seconds_count"]);
    let counts = [requests, operations, waits].concat();
    let counted: f64 = counts.iter().map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum();
    assert_eq!(counted, 10_002.0, "every span counts, however strange");
    assert!(scrape.0.lines().count() < 401 * 16 + 500);
    assert!(!scrape.0.contains("evil") && !scrape.0.contains("xxx"));
}
