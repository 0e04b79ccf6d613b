//! Spans in, series out.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;
use sidecar::Sidecar;

use crate::support::http::{Answer, export};
use crate::support::otlp::{number, open, request, span, statement, text, traces};
use crate::support::{Scrape, start, without_database};

async fn send(sidecar: &Sidecar, export_of: Vec<opentelemetry_proto::tonic::trace::v1::Span>) -> Answer {
    let answer = export(sidecar.otlp_address(), "/v1/traces", None, traces(export_of)).await;
    assert_eq!(answer.status, 200);
    answer
}

/// Without the zeros of what nothing was observed in.
fn nonzero<'a>(scrape: &'a Scrape, prefixes: &[&str]) -> Vec<&'a str> {
    let mut series = scrape.series(prefixes);
    series.retain(|line| !line.ends_with(" 0"));
    series
}

#[tokio::test]
async fn the_spans_of_a_request_become_its_series() {
    let sidecar = start(without_database()).await;
    let create = "SELECT outcome, id, item, relay FROM items_create($1, $2, $3, $4, $5, $6, $7)";
    let answer = send(
        &sidecar,
        vec![
            request("POST", "/items", "201", 3),
            open(7000),
            statement(create, 2, false),
            statement("SELECT audit_store($1)", 300, true),
            statement("SELECT pg_sleep(1)", 1, false),
            // The work of a component, and a call chained to audit: neither is a request.
            span("execute_wasm_component items", SpanKind::Internal, 5, vec![]),
            span(
                "POST",
                SpanKind::Client,
                5,
                vec![text("http.request.method", "POST"), number("http.response.status_code", 204)],
            ),
            span("execute_wasm_component audit", SpanKind::Internal, 5, vec![]),
        ],
    )
    .await;
    assert_eq!(ExportTraceServiceResponse::decode(&answer.body[..]).unwrap(), ExportTraceServiceResponse::default());

    let scrape = Scrape::of(&sidecar).await;
    let exemplar = format!("# {{trace_id=\"{}\"}}", "01".repeat(16));
    let labels = r#"http_route="/items",http_request_method="POST",http_response_status_code="201""#;
    let mut expected = vec![
        format!("http_server_request_duration_seconds_sum{{{labels}}} 0.003"),
        format!("http_server_request_duration_seconds_count{{{labels}}} 1"),
    ];
    for (bound, count) in [("0.005", format!("1 {exemplar} 0.003")), ("0.01", "1".into())] {
        expected.push(format!("http_server_request_duration_seconds_bucket{{le=\"{bound}\",{labels}}} {count}"));
    }
    assert_eq!(nonzero(&scrape, &["http_server"])[..4], expected);

    let mut counts = scrape.series(&["db_client_operation_duration_seconds_count"]);
    counts.sort_unstable();
    assert_eq!(
        counts,
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
async fn a_status_may_be_a_number_and_what_is_unknown_is_other() {
    let sidecar = start(without_database()).await;
    let with_number = |code| {
        let attributes = vec![
            text("http.request.method", "GET"),
            text("http.route", "/items/:id"),
            number("http.response.status_code", code),
        ];
        span("GET", SpanKind::Server, 1, attributes)
    };
    send(
        &sidecar,
        vec![
            with_number(404),
            with_number(99_404),
            request("BREW", "/items/17", "teapot", 1),
            // What Spin makes of a request that it fails itself: no route.
            span(
                "GET",
                SpanKind::Server,
                1,
                vec![text("http.request.method", "GET"), number("http.response.status_code", 500)],
            ),
        ],
    )
    .await;
    let scrape = Scrape::of(&sidecar).await;
    let mut counts = scrape.series(&["http_server_request_duration_seconds_count"]);
    counts.sort_unstable();
    assert_eq!(
        counts,
        [
            r#"http_server_request_duration_seconds_count{http_route="/items/:id",http_request_method="GET",http_response_status_code="404"} 1"#,
            r#"http_server_request_duration_seconds_count{http_route="/items/:id",http_request_method="GET",http_response_status_code="other"} 1"#,
            r#"http_server_request_duration_seconds_count{http_route="other",http_request_method="GET",http_response_status_code="500"} 1"#,
            r#"http_server_request_duration_seconds_count{http_route="other",http_request_method="other",http_response_status_code="other"} 1"#,
        ]
    );
}

#[tokio::test]
async fn times_that_cannot_be_are_dropped_with_a_reason_and_told_to_the_sender() {
    let sidecar = start(without_database()).await;
    let mut spans = [request("GET", "/items", "200", 1), open(1), statement("SELECT audit_ready()", 1, false)];
    spans[0].start_time_unix_nano = 0;
    spans[1].end_time_unix_nano = spans[1].start_time_unix_nano - 1;
    spans[2].end_time_unix_nano = u64::MAX;
    let answer = send(&sidecar, spans.to_vec()).await;
    let partial = ExportTraceServiceResponse::decode(&answer.body[..]).unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 3);
    assert!(!partial.error_message.is_empty());
    let scrape = Scrape::of(&sidecar).await;
    assert_eq!(
        nonzero(&scrape, &["otlp_spans_dropped", "http_", "db_"])
            .into_iter()
            .filter(|line| !line.ends_with(" 0.0"))
            .count(),
        3
    );
    for reason in ["no_time", "negative_duration", "absurd_duration"] {
        assert_eq!(scrape.value(&format!("otlp_spans_dropped_total{{reason=\"{reason}\"}}")), Some(1.0));
    }
}

#[tokio::test]
async fn ten_thousand_hostile_spans_make_no_more_series_than_there_is_room_for() {
    let sidecar = start(without_database()).await;
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
    let combinations = scrape.series(&["http_server_request_duration_seconds_count"]).len();
    assert!((400..=401).contains(&combinations), "{combinations}: as many as there is room for, and `other`");
    let known = r#"{http_route="/items",http_request_method="GET",http_response_status_code="200"}"#;
    assert!(
        scrape.value(&format!("http_server_request_duration_seconds_count{known}")).unwrap() >= 2.0,
        "who came first keeps its series"
    );
    let operations = scrape.series(&["db_client_operation_duration_seconds_count"]).len();
    assert_eq!(operations, 2, "other, ok and failed");
    let counted: f64 = scrape
        .series(&[
            "http_server_request_duration_seconds_count",
            "db_client_operation_duration_seconds_count",
            "db_client_connection_wait_seconds_count",
        ])
        .iter()
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum();
    assert_eq!(counted, 10_002.0, "no span is lost for being strange");
    assert!(scrape.0.lines().count() < 401 * 16 + 500);
    assert!(!scrape.0.contains("evil") && !scrape.0.contains("xxx"));
}
