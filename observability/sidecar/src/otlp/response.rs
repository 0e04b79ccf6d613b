//! What an export is answered with: success, partial success or a [`Rejection`].

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use prost::Message;

use super::wire::{MEDIA_TYPE, Malformed};

/// `ExportTraceServiceResponse`; the responses of the other signals have the same fields.
#[derive(Message)]
struct Success {
    #[prost(message, tag = "1")]
    partial: Option<PartialSuccess>,
}

/// `ExportTracePartialSuccess`
#[derive(Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    message: String,
}

/// `google.rpc.Status`; its field 1, a gRPC status code, is not used over HTTP.
#[derive(Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
}

/// 200, with a `partial_success` when spans were dropped.
pub fn success(dropped: i64) -> Response {
    let message = "start and end are missing, in the wrong order or too far apart".into();
    let partial = (dropped > 0).then_some(PartialSuccess { rejected: dropped, message });
    ([(CONTENT_TYPE, MEDIA_TYPE)], Success { partial }.encode_to_vec()).into_response()
}

/// Why an export is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The body is not binary protobuf, such as JSON.
    #[error("the media type must be {MEDIA_TYPE}")]
    Type,
    /// The body is compressed otherwise than by gzip.
    #[error("the only encoding supported is gzip")]
    Encoding,
    /// The body, as sent or inflated, exceeds this many bytes.
    #[error("the body exceeds {0} bytes")]
    TooLarge(usize),
    /// The body did not arrive in time.
    #[error("the body took too long")]
    Slow,
    /// The bodies in progress use up their common budget.
    #[error("too many exports at once")]
    Busy,
    /// The body ended early, or is not gzip.
    #[error("the body is incomplete or does not match its headers")]
    Broken,
    /// The body is not the expected message.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// The receiver itself failed.
    #[error("internal error of the receiver")]
    Fault,
}

impl Rejection {
    fn status(self) -> StatusCode {
        match self {
            Self::Type | Self::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken | Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Fault => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Rejection {
    /// The body is a `google.rpc.Status`, as the specification requires.
    fn into_response(self) -> Response {
        let body = Status { message: self.to_string() }.encode_to_vec();
        let mut response = (self.status(), [(CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        if self == Self::Busy {
            response.headers_mut().insert(RETRY_AFTER, 1.into());
        }
        response
    }
}
