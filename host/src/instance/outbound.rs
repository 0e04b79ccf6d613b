//! HTTP calls of an instance.

use super::Services;
use super::meter::Meter;
use crate::manifest::grants::Grants;
use crate::manifest::internal_host;
use crate::trace::{Span, Trace};
use http::uri::{Scheme, Uri};
use http::{Request, Response};
use std::pin::Pin;
use std::sync::Arc;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// The most an instance may write to a body at once, in bytes: for a slow reader, this and one more write are kept.
const WRITE_BYTES: usize = 128 << 10;

/// A response to come.
pub type Responding = Pin<Box<dyn Future<Output = Result<Response<WasiBody>, Error>> + Send>>;

/// How components of an application call each other. A trait, since the callee runs in an instance that may call again.
pub trait Chaining: Send + Sync {
    /// Whether a component with this id can be called.
    fn has(&self, callee: &str) -> bool;

    /// Lets `callee` answer a request. It runs on when the caller drops the call.
    fn call(self: Arc<Self>, callee: String, trace: Trace, request: Request<WasiBody>) -> Responding;
}

/// The calls of one instance.
#[derive(Clone)]
pub struct Outbound {
    /// What all instances share.
    pub services: Arc<Services>,
    /// What the component may use.
    pub grants: Arc<Grants>,
    /// How to call another component.
    pub chaining: Arc<dyn Chaining>,
    /// Where the spans of the instance hang.
    pub trace: Trace,
    /// Stops the instance where Spin does.
    pub meter: Arc<Meter>,
}

type Sent = (Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        let call = self.clone();
        if let Some(callee) = self.missing(request.uri()) {
            self.meter.stop(format!("it calls component {callee}, which no trigger of the application names"));
            // The instance is stopped when it waits for this.
            return Box::new(std::future::pending());
        }
        Box::new(async move {
            let mut span = call.trace.call(&request);
            let response = call.send(request, options.unwrap_or_default(), &mut span).await?;
            let end: Box<dyn Future<Output = _> + Send> = Box::new(std::future::ready(Ok(())));
            Ok((response, end))
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        WRITE_BYTES
    }
}

impl Outbound {
    async fn send(
        self,
        mut request: Request<WasiBody>,
        options: RequestOptions,
        span: &mut Span,
    ) -> Result<Response<WasiBody>, Error> {
        self.check_allowed(request.uri())?;
        let RequestOptions { connect_timeout, first_byte_timeout, between_bytes_timeout } = options;
        if connect_timeout.or(first_byte_timeout).or(between_bytes_timeout).is_some() {
            return Err(not_offered("timeouts of calls".to_owned(), "race the call with a clock"));
        }
        request.headers_mut().remove(http::header::HOST);
        span.inject(request.headers_mut());
        if let Some(callee) = request.uri().host().and_then(internal_host::component) {
            return self.chaining.call(callee.to_owned(), span.trace(), request).await;
        }
        if request.uri().scheme() == Some(&Scheme::HTTPS) {
            return Err(not_offered(format!("TLS, which {} needs", request.uri()), "use http"));
        }
        span.leaves(request.uri());
        let response = self.services.client.send(request).await?;
        span.answered(response.status());
        Ok(response)
    }

    /// The component that a permitted call names but that cannot be called. Spin traps the caller then.
    fn missing<'a>(&self, uri: &'a Uri) -> Option<&'a str> {
        let callee = internal_host::component(uri.host()?)?;
        (!self.chaining.has(callee) && self.allows(uri)).then_some(callee)
    }

    fn check_allowed(&self, uri: &Uri) -> Result<(), Error> {
        if self.allows(uri) {
            return Ok(());
        }
        let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        self.log_denied(&format!("{}://{}{port}", scheme(uri), uri.host().unwrap_or_default()));
        Err(Error::HttpRequestDenied)
    }

    fn allows(&self, uri: &Uri) -> bool {
        self.grants.allowed.allows(scheme(uri), uri.host().unwrap_or_default(), uri.port_u16())
    }

    /// Logs a denied call and the entry that would permit it.
    pub fn log_denied(&self, url: &str) {
        let text = format!("a call to {url} is denied; fix: add \"{url}\" to allowed_outbound_hosts of this component");
        self.services.log.host(&self.grants.component, text);
    }
}

fn scheme(uri: &Uri) -> &str {
    uri.scheme_str().unwrap_or("https")
}

fn not_offered(what: String, fix: &str) -> Error {
    Error::InternalError(Some(format!("this host does not offer {what}; fix: {fix}, or run under Spin")))
}
