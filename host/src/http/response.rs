//! Responses: the host's own, and the body of one that an instance sends.

use super::request::Invalid;
use crate::component::Component;
use crate::log::Log;
use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Empty, Full};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use wasmtime_wasi_http::{Error, WasiBody};

/// Seconds a client should wait after a 503.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// The value of `Connection` when the host closes it after the response.
pub const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// A response without a body.
pub fn empty(status: StatusCode) -> Response<WasiBody> {
    let mut response = Response::new(Empty::new().map_err(Error::from).boxed_unsync());
    *response.status_mut() = status;
    response
}

/// The response when no instance can be started in time.
pub fn busy() -> Response<WasiBody> {
    let mut response = empty(StatusCode::SERVICE_UNAVAILABLE);
    response.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS);
    response
}

/// The response to a request that does not reach `component`, which is logged.
pub fn invalid(log: &Log, component: &Component, reason: &Invalid) -> Response<WasiBody> {
    let mut response = empty(reason.status());
    log.host(&component.grants.component, format!("a request is refused with {}: {reason}", response.status()));
    if response.status() == StatusCode::BAD_REQUEST {
        response.headers_mut().insert(CONNECTION, CLOSE);
    }
    response
}

/// A 200 with a text.
pub fn text(body: &'static str) -> Response<WasiBody> {
    Response::new(Full::new(Bytes::from_static(body.as_bytes())).map_err(Error::from).boxed_unsync())
}

/// The body an instance writes. It breaks off, instead of ending, when the instance was stopped.
pub struct InstanceBody {
    /// What the instance has written.
    pub body: WasiBody,
    /// Set before the instance's end of the body is dropped.
    pub stopped: Arc<AtomicBool>,
}

impl Body for InstanceBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() && self.stopped.load(Ordering::Acquire) {
            return Poll::Ready(Some(Err(Error::HttpResponseIncomplete)));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
