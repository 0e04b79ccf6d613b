//! The HTTP client behind guests' calls: plain HTTP/1.1 with kept connections.

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::error::Error as _;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Sleep, timeout};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

/// What each of the three time-outs is when a guest sets none, as in Spin.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

pub struct Client(legacy::Client<Connector, WasiBody>);

impl Client {
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(legacy::Client::builder(TokioExecutor::new()).build(Connector(connector)))
    }

    pub async fn send(&self, request: Request<WasiBody>, options: RequestOptions) -> Result<Response<WasiBody>, Error> {
        let connect = options.connect_timeout.unwrap_or(DEFAULT_TIMEOUT);
        let first_byte = options.first_byte_timeout.unwrap_or(DEFAULT_TIMEOUT);
        let between_bytes = options.between_bytes_timeout.unwrap_or(DEFAULT_TIMEOUT);
        let response = CONNECT_TIMEOUT.scope(connect, self.0.request(request));
        let response = timeout(first_byte, response).await.map_err(|_| Error::ConnectionReadTimeout)?;
        let response = response.map_err(|error| failure(&error))?;
        Ok(response.map(|body| Timed { body, limit: between_bytes, sleep: None }.boxed_unsync()))
    }
}

tokio::task_local! {
    /// The client has no other way to hand a call's own limit to the connector.
    static CONNECT_TIMEOUT: Duration;
}

#[derive(Clone)]
struct Connector(HttpConnector);

#[derive(Debug, thiserror::Error)]
enum ConnectError {
    #[error("connecting took too long")]
    Timeout,
    #[error("the name cannot be resolved")]
    Name,
    #[error("connection refused")]
    Refused,
}

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        self.0.poll_ready(context).map_err(|_| ConnectError::Refused)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let limit = CONNECT_TIMEOUT.try_with(|limit| *limit).unwrap_or(DEFAULT_TIMEOUT);
        let connecting = self.0.call(uri);
        Box::pin(async move {
            let connected = timeout(limit, connecting).await.map_err(|_| ConnectError::Timeout)?;
            connected.map_err(|error| {
                if error.to_string().contains("dns") { ConnectError::Name } else { ConnectError::Refused }
            })
        })
    }
}

fn failure(error: &legacy::Error) -> Error {
    match error.source().and_then(|cause| cause.downcast_ref()) {
        Some(ConnectError::Timeout) => Error::ConnectionTimeout,
        Some(ConnectError::Refused) => Error::ConnectionRefused,
        Some(ConnectError::Name) => {
            Error::DnsError { rcode: Some("address not available".to_owned()), info_code: Some(0) }
        }
        None => Error::HttpProtocolError,
    }
}

/// A response body that fails when the next part is too long in coming.
struct Timed {
    body: Incoming,
    limit: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Body for Timed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.sleep = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        let limit = self.limit;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        sleep.as_mut().poll(context).map(|()| Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
