use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span as Received;
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::{SOON, eventually};

/// An OTLP/HTTP receiver that keeps the spans it gets.
pub struct Receiver {
    address: SocketAddr,
    spans: Arc<Mutex<Vec<Span>>>,
    _server: JoinSet<()>,
}

/// A span, in the words of its tests.
#[derive(Clone, Debug)]
pub struct Span {
    pub name: String,
    /// `INTERNAL`, `SERVER`, `CLIENT`.
    pub kind: &'static str,
    pub trace: String,
    pub id: String,
    /// Empty for the root of a trace.
    pub parent: String,
    pub attributes: HashMap<String, String>,
    /// What its status says when that is an error.
    pub error: Option<String>,
    /// Unix time in nanoseconds.
    pub start: u64,
    pub end: u64,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port for the receiver");
        let address = listener.local_addr().expect("an address");
        let spans = Arc::new(Mutex::new(Vec::new()));
        let mut server = JoinSet::new();
        server.spawn(serve(listener, spans.clone()));
        Self { address, spans, _server: server }
    }

    /// What a host is told.
    pub fn url(&self) -> String {
        format!("http://{}/v1/traces", self.address)
    }

    pub fn spans(&self) -> Vec<Span> {
        self.spans.lock().expect("the spans").clone()
    }

    /// Waits for the spans of a trace until one of them has each of `names`.
    pub async fn trace(&self, trace: &str, names: &[&str]) -> Vec<Span> {
        eventually(&format!("{names:?} in trace {trace}"), SOON, async || {
            let spans: Vec<_> = self.spans().into_iter().filter(|span| span.trace == trace).collect();
            let all = names.iter().all(|name| spans.iter().any(|span| span.name == *name));
            if all { Ok(spans) } else { Err(format!("{spans:#?}")) }
        })
        .await
    }
}

async fn serve(listener: TcpListener, spans: Arc<Mutex<Vec<Span>>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let spans = spans.clone();
        let service = service_fn(move |request| receive(spans.clone(), request));
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn receive(
    spans: Arc<Mutex<Vec<Span>>>,
    request: Request<Incoming>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    assert_eq!(request.headers()["content-type"], "application/x-protobuf");
    let body = request.into_body().collect().await.expect("a whole body").to_bytes();
    let export = ExportTraceServiceRequest::decode(body).expect("an export of spans");
    let scopes = export.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    let received = scopes.flat_map(|scope| scope.spans).map(Span::from);
    spans.lock().expect("the spans").extend(received);
    Ok(Response::default())
}

impl From<Received> for Span {
    fn from(span: Received) -> Self {
        let text = |value: Option<Value>| match value {
            Some(Value::StringValue(text)) => text,
            other => panic!("an attribute is {other:?}; Spin's are text"),
        };
        let attributes = span.attributes.into_iter().map(|pair| (pair.key, text(pair.value.and_then(|any| any.value))));
        Self {
            name: span.name,
            kind: ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT"][span.kind as usize],
            trace: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            attributes: attributes.collect(),
            error: span.status.filter(|status| status.code == 2).map(|status| status.message),
            start: span.start_time_unix_nano,
            end: span.end_time_unix_nano,
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
