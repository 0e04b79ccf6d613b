//! Exports as Spin 3.6 sends them, made with generated types.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, Status, span::SpanKind, status::StatusCode,
};
use prost::Message;

/// A moment in 2026, in nanoseconds.
const START: u64 = 1_790_000_000_000_000_000;
const MILLISECOND: u64 = 1_000_000;

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

pub fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

pub fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
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

/// The span of a request from outside. Its status code is text, because `tracing` has no `u16`.
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

/// The span of an SQL statement.
pub fn statement(sql: &str, milliseconds: u64, failed: bool) -> Span {
    let attributes = vec![text("db.system", "postgresql"), text("code.namespace", "spin_factor_outbound_pg::host")];
    let code = if failed { StatusCode::Error } else { StatusCode::Unset };
    Span {
        status: Some(Status { message: "connection closed".into(), code: code.into() }),
        ..span(sql, SpanKind::Client, milliseconds, attributes)
    }
}

/// The span of waiting for a connection.
pub fn open(milliseconds: u64) -> Span {
    span("spin_outbound_pg.open", SpanKind::Client, milliseconds, vec![text("db.system", "postgresql")])
}

/// The export of these spans.
pub fn traces(spans: Vec<Span>) -> Vec<u8> {
    let attributes = vec![text("service.name", "spin"), text("service.version", "3.6.3")];
    let resource = Some(Resource { attributes, ..Resource::default() });
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}
