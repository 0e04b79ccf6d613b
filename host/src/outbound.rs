//! HTTP calls that guests make.

use crate::app::App;
use crate::chain;
use crate::component::Component;
use crate::trace::{Span, Trace};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{Request, Response};
use std::future::Future;
use std::sync::Arc;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// The most a guest may write to a body at once, in bytes: with a slow reader, that much and one more write are kept.
const WRITE_BYTES: usize = 128 << 10;
/// A host name that means the application itself, for guests whose HTTP library insists on one.
const OWN_HOST: &str = "self.alt";

/// The calls of one guest.
#[derive(Clone)]
pub struct Outbound {
    pub app: Arc<App>,
    pub component: Arc<Component>,
    /// How many chained calls lie between the client and this guest.
    pub depth: usize,
    pub trace: Trace,
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
        Box::new(async move {
            let mut span = call.trace.call(&request);
            let response = call.send(request, options.unwrap_or_default(), &span).await?;
            span.answered(response.status());
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
        &self,
        mut request: Request<WasiBody>,
        options: RequestOptions,
        span: &Span,
    ) -> Result<Response<WasiBody>, Error> {
        if self.addresses_itself(request.uri()) {
            self.redirect_to_itself(&mut request)?;
        } else {
            self.check_allowed(request.uri())?;
        }
        request.headers_mut().remove(http::header::HOST);
        span.inject(request.headers_mut());
        if let Some(callee) = chain::target(request.uri()) {
            return chain::call(&self.app, &self.component, callee.to_owned(), self.depth, span.trace(), request).await;
        }
        if request.uri().scheme() == Some(&Scheme::HTTPS) {
            let reason =
                format!("this host speaks no TLS, so {} cannot be reached: use http, or run under Spin", request.uri());
            return Err(Error::InternalError(Some(reason)));
        }
        self.app.client.send(request, options).await
    }

    fn addresses_itself(&self, uri: &Uri) -> bool {
        uri.host() == Some(OWN_HOST)
    }

    fn redirect_to_itself(&self, request: &mut Request<WasiBody>) -> Result<(), Error> {
        if !self.component.allowed.allows_self() {
            self.log_denied("http://self");
            return Err(Error::HttpRequestDenied);
        }
        let authority = Authority::try_from(self.app.address.to_string()).map_err(|_| Error::HttpRequestUriInvalid)?;
        let path = request.uri().path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(authority).path_and_query(path).build();
        *request.uri_mut() = uri.map_err(|_| Error::HttpRequestUriInvalid)?;
        Ok(())
    }

    fn check_allowed(&self, uri: &Uri) -> Result<(), Error> {
        let scheme = uri.scheme_str().unwrap_or("https");
        let host = uri.host().unwrap_or_default();
        if self.component.allowed.allows(scheme, host, uri.port_u16()) {
            return Ok(());
        }
        let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        self.log_denied(&format!("{scheme}://{host}{port}"));
        Err(Error::HttpRequestDenied)
    }

    /// Tells the operator about a refused call and the entry that would permit it.
    pub fn log_denied(&self, url: &str) {
        let text = format!(
            "a call to {url} is denied; to permit it, add \"{url}\" to allowed_outbound_hosts of this component"
        );
        self.app.log.host(&self.component.id, text);
    }
}
