//! The HTTP client for calls that leave the process: HTTP/1.1 with kept connections.

use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::error::Error as _;
use wasmtime_wasi_http::{Error, WasiBody};

/// One client for all instances of a host.
pub struct Client(legacy::Client<HttpConnector, WasiBody>);

impl Client {
    /// A client without connections.
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(legacy::Client::builder(TokioExecutor::new()).build(connector))
    }

    /// Returns with the head of the response. Waits without limit: components bound their calls themselves.
    ///
    /// # Errors
    /// The code that Spin reports as well.
    pub async fn send(&self, request: Request<WasiBody>) -> Result<Response<WasiBody>, Error> {
        let response = self.0.request(request).await.map_err(|error| failure(&error))?;
        Ok(response.map(|body| body.map_err(Error::from).boxed_unsync()))
    }
}

fn failure(error: &legacy::Error) -> Error {
    if !error.is_connect() {
        return Error::HttpProtocolError;
    }
    // The connector's own error type is private.
    if error.source().is_some_and(|cause| cause.to_string() == "dns error") {
        return Error::DnsError { rcode: Some("address not available".to_owned()), info_code: Some(0) };
    }
    Error::ConnectionRefused
}
