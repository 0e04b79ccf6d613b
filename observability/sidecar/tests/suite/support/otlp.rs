//! Exports as Spin 3.6 makes them, from the types that others generated.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
    metric::Data, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, Status, span::SpanKind, status::StatusCode,
};
use prost::Message;

/// Some moment of 2026, in nanoseconds.
pub const START: u64 = 1_790_000_000_000_000_000;
const MILLISECOND: u64 = 1_000_000;

pub fn text(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(Value::StringValue(value.into())) }),
        ..KeyValue::default()
    }
}

pub fn number(key: &str, value: i64) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(Value::IntValue(value)) }), ..KeyValue::default() }
}

/// A span of trace `0101…` that lasts `milliseconds`.
pub fn span(name: &str, kind: SpanKind, milliseconds: u64, attributes: Vec<KeyValue>) -> Span {
    Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        name: name.into(),
        kind: kind.into(),
        start_time_unix_nano: START,
        end_time_unix_nano: START + milliseconds * MILLISECOND,
        attributes,
        ..Span::default()
    }
}

/// Status codes are text there: `tracing` hands `u16` on as such.
pub fn request(method: &str, route: &str, status: &str, milliseconds: u64) -> Span {
    let attributes = vec![
        text("http.request.method", method),
        text("url.path", "/items/17"),
        text("client.address", "192.0.2.1"),
        text("http.response.status_code", status),
        text("http.route", route),
    ];
    span(&format!("{method} {route}"), SpanKind::Server, milliseconds, attributes)
}

pub fn statement(sql: &str, milliseconds: u64, failed: bool) -> Span {
    let attributes = vec![text("db.system", "postgresql"), text("code.namespace", "spin_factor_outbound_pg::host")];
    let code = if failed { StatusCode::Error } else { StatusCode::Unset };
    Span {
        status: Some(Status { message: "connection closed".into(), code: code.into() }),
        ..span(sql, SpanKind::Client, milliseconds, attributes)
    }
}

pub fn open(milliseconds: u64) -> Span {
    span("spin_outbound_pg.open", SpanKind::Client, milliseconds, vec![text("db.system", "postgresql")])
}

pub fn spin() -> Resource {
    let attributes = vec![text("service.name", "spin"), text("service.version", "3.6.3")];
    Resource { attributes, ..Resource::default() }
}

pub fn traces(spans: Vec<Span>) -> Vec<u8> {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { resource: Some(spin()), scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

pub fn metrics(metrics: Vec<Metric>) -> Vec<u8> {
    let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
    let resource_metrics =
        vec![ResourceMetrics { resource: Some(spin()), scope_metrics, ..ResourceMetrics::default() }];
    ExportMetricsServiceRequest { resource_metrics }.encode_to_vec()
}

/// A counter that began at `start`: per set of attributes its value.
pub fn counter(name: &str, start: u64, points: Vec<(Vec<KeyValue>, i64)>) -> Metric {
    let point = |(attributes, value)| NumberDataPoint {
        attributes,
        start_time_unix_nano: start,
        value: Some(number_data_point::Value::AsInt(value)),
        ..NumberDataPoint::default()
    };
    let sum = Sum {
        data_points: points.into_iter().map(point).collect(),
        aggregation_temporality: AggregationTemporality::Cumulative.into(),
        is_monotonic: true,
    };
    Metric { name: name.into(), data: Some(Data::Sum(sum)), ..Metric::default() }
}

/// A histogram that began at `start`, with the boundaries that Spin's come with.
pub fn histogram(name: &str, start: u64, attributes: Vec<KeyValue>, count: u64, sum: f64) -> Metric {
    let point = HistogramDataPoint {
        attributes,
        start_time_unix_nano: start,
        count,
        sum: Some(sum),
        bucket_counts: vec![0, count],
        explicit_bounds: vec![10_000.0],
        ..HistogramDataPoint::default()
    };
    let histogram =
        Histogram { data_points: vec![point], aggregation_temporality: AggregationTemporality::Cumulative.into() };
    Metric { name: name.into(), data: Some(Data::Histogram(histogram)), ..Metric::default() }
}
