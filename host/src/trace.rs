//! Spans: what a request did and how long it took, with the names, kinds and attributes of Spin 3.6 (numbers are text).
//!
//! A [`Trace`] is the place where new spans hang; without a receiver it is empty, and so are the [`Span`]s below it.

mod export;

use crate::error::Error;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{Span as _, SpanBuilder, SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, Span as SdkSpan};
use std::fmt::Display;
use std::net::SocketAddr;

pub use export::Exporter;

/// Where new spans hang: below another one, or nowhere.
#[derive(Clone, Default)]
pub struct Trace(Option<(SdkTracer, Context)>);

/// An operation that is measured. It ends when it is dropped.
pub struct Span(Option<(SdkTracer, SdkSpan)>);

impl Trace {
    /// A request of a client, in the trace of its `traceparent` (<https://www.w3.org/TR/trace-context/>) or a new one.
    pub fn request<B>(&self, request: &Request<B>, client: SocketAddr) -> Span {
        let Some((tracer, _)) = &self.0 else { return Span(None) };
        let parent =
            TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(request.headers()));
        let (method, uri) = (request.method().to_string(), request.uri());
        let mut attributes = vec![
            KeyValue::new("http.request.method", method.clone()),
            KeyValue::new("network.peer.address", client.ip().to_string()),
            KeyValue::new("network.peer.port", client.port().to_string()),
            KeyValue::new("network.protocol.name", "http"),
            KeyValue::new("url.path", uri.path().to_owned()),
            KeyValue::new("url.query", uri.query().unwrap_or_default().to_owned()),
            KeyValue::new("url.scheme", uri.scheme_str().unwrap_or_default().to_owned()),
        ];
        let forwarded = request.headers().get("x-forwarded-for").and_then(|value| value.to_str().ok());
        attributes.extend(forwarded.map(|address| KeyValue::new("client.address", address.to_owned())));
        let builder = SpanBuilder::from_name(method).with_kind(SpanKind::Server).with_attributes(attributes);
        Span::start(tracer, builder, &parent)
    }

    /// The run of an instance, work after its response included.
    pub fn execution(&self, component: &str) -> Span {
        self.span(|| SpanBuilder::from_name(format!("execute_wasm_component {component}")))
    }

    /// Reading a variable.
    pub fn variable(&self, name: &str) -> Span {
        self.span(|| {
            let attributes = [KeyValue::new("key", format!("{name:?}"))];
            SpanBuilder::from_name("spin_variables.get").with_kind(SpanKind::Client).with_attributes(attributes)
        })
    }

    /// Waiting for a session with the database.
    pub fn connection(&self) -> Span {
        self.span(|| database("spin_outbound_pg.open".to_owned()))
    }

    /// A statement, which is the span's name.
    pub fn statement(&self, sql: &str) -> Span {
        self.span(|| database(sql.to_owned()))
    }

    /// An HTTP call of an instance, up to the head of its response.
    pub fn call<B>(&self, request: &Request<B>) -> Span {
        self.span(|| {
            let (method, url) = (request.method().to_string(), request.uri().to_string());
            let attributes = [KeyValue::new("http.request.method", method.clone()), KeyValue::new("url.full", url)];
            SpanBuilder::from_name(method).with_kind(SpanKind::Client).with_attributes(attributes)
        })
    }

    fn span(&self, builder: impl FnOnce() -> SpanBuilder) -> Span {
        match &self.0 {
            Some((tracer, parent)) => Span::start(tracer, builder(), parent),
            None => Span(None),
        }
    }
}

fn database(name: String) -> SpanBuilder {
    SpanBuilder::from_name(name).with_kind(SpanKind::Client).with_attributes([KeyValue::new("db.system", "postgresql")])
}

impl Span {
    fn start(tracer: &SdkTracer, builder: SpanBuilder, parent: &Context) -> Self {
        Self(Some((tracer.clone(), tracer.build_with_context(builder, parent))))
    }

    /// The place below this span.
    pub fn trace(&self) -> Trace {
        let place = |(tracer, span): &(SdkTracer, SdkSpan)| (tracer.clone(), below(span));
        Trace(self.0.as_ref().map(place))
    }

    /// Adds `traceparent`, so that the receiver of the headers continues the trace below this span.
    pub fn inject(&self, headers: &mut HeaderMap) {
        if let Some((_, span)) = &self.0 {
            TraceContextPropagator::new().inject_context(&below(span), &mut HeaderInjector(headers));
        }
    }

    /// Records the route of the trigger that a request matched.
    pub fn routed(&mut self, method: &Method, route: &str) {
        if let Some((_, span)) = &mut self.0 {
            span.update_name(format!("{method} {route}"));
            span.set_attribute(KeyValue::new("http.route", route.to_owned()));
        }
    }

    /// Records where a call goes that leaves the process.
    pub fn leaves(&mut self, uri: &Uri) {
        if let Some((_, span)) = &mut self.0 {
            span.set_attributes(uri.host().map(|host| KeyValue::new("server.address", host.to_owned())));
            span.set_attributes(uri.port_u16().map(|port| KeyValue::new("server.port", port.to_string())));
        }
    }

    /// Records why no component saw the request, as Spin does.
    pub fn refused(&mut self, reason: String) {
        if let Some((_, span)) = &mut self.0 {
            span.set_attribute(KeyValue::new("error.type", reason));
        }
    }

    /// Records the status of the response.
    pub fn answered(&mut self, status: StatusCode) {
        if let Some((_, span)) = &mut self.0 {
            span.set_attribute(KeyValue::new("http.response.status_code", status.as_str().to_owned()));
        }
    }

    /// Marks the operation as failed.
    pub fn failed(&mut self, reason: impl Display) {
        if let Some((_, span)) = &mut self.0 {
            span.set_status(Status::error(reason.to_string()));
        }
    }
}

fn below(span: &SdkSpan) -> Context {
    Context::new().with_remote_span_context(span.span_context().clone())
}

/// The URL of the receiver of spans, from OpenTelemetry's variables
/// (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/>): `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` as it is, else
/// `OTEL_EXPORTER_OTLP_ENDPOINT` followed by `/v1/traces`; `None` with `OTEL_SDK_DISABLED`.
///
/// # Errors
/// [`Error::Telemetry`] for a protocol other than `http/protobuf`.
pub fn receiver(environment: impl Fn(&str) -> Option<String>) -> Result<Option<String>, Error> {
    let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
    let general =
        || variable("OTEL_EXPORTER_OTLP_ENDPOINT").map(|url| format!("{}/v1/traces", url.trim_end_matches('/')));
    let Some(url) = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(general) else { return Ok(None) };
    if variable("OTEL_SDK_DISABLED").is_some() {
        return Ok(None);
    }
    let protocols = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
    match protocols.into_iter().find_map(variable).as_deref() {
        None | Some("http/protobuf") => Ok(Some(url)),
        Some(other) => Err(Error::Telemetry(format!(
            "this host does not offer the protocol {other}; fix: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_environment(environment: &[(&str, &str)]) -> Result<Option<String>, Error> {
        let find = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        receiver(find)
    }

    #[test]
    fn the_environment_names_the_receiver() {
        assert_eq!(from_environment(&[]).unwrap(), None);
        assert_eq!(from_environment(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]).unwrap(), None);
        let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/");
        assert_eq!(from_environment(&[general]).unwrap().unwrap(), "http://c:4318/v1/traces");
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c/in");
        assert_eq!(from_environment(&[general, own]).unwrap().unwrap(), "http://c/in");
        assert_eq!(from_environment(&[general, ("OTEL_SDK_DISABLED", "true")]).unwrap(), None);
    }

    #[test]
    fn another_protocol_is_refused_by_name() {
        let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317");
        let error = from_environment(&[general, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap_err();
        assert!(error.to_string().contains("protocol grpc"), "{error}");
    }
}
