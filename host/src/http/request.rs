//! Turns a request into the one that a component gets from Spin.

use super::headers::{self, Origin};
use crate::manifest::internal_host;
use http::header::HOST;
use http::uri::{Authority, Scheme, Uri};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use std::str::Utf8Error;

/// Why a request does not reach a component. Spin closes the connection without a response, except for
/// [`Invalid::NotText`].
#[derive(Debug, thiserror::Error)]
pub enum Invalid {
    /// Neither the request line nor a header names the host.
    #[error("the request has no Host header")]
    NoHost,
    /// The header is not a host with an optional port.
    #[error("the Host header is not a valid authority")]
    BadHost,
    /// RFC 9112, section 3.2.2 would let the URL win; Spin refuses the request. It takes the first of two headers.
    #[error("the request names more than one host")]
    AmbiguousHost,
    /// The interface of the SDK passes header values as text.
    #[error("the value of header {0} is not UTF-8")]
    NotText(HeaderName, Utf8Error),
}

impl Invalid {
    /// 400, as RFC 9112, section 3.2 requires for the host; Spin's 500 for a value that is not text.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotText(..) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// What the span has as `error.type`; for a value that is not text it is what Spin writes, by which the sidecar
    /// recognises it.
    pub fn cause(&self) -> String {
        match self {
            Self::NotText(_, error) => error.to_string(),
            other => other.to_string(),
        }
    }
}

/// The size of a request's line and headers, in bytes. hyper's own limit is on its buffer, which is rounded up.
pub fn head_size<B>(request: &Request<B>) -> usize {
    let line = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    let header = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len();
    line + request.headers().iter().map(header).sum::<usize>()
}

/// Removes a `Host` header that only a call from inside the application may have.
pub fn strip_internal_host(headers: &mut HeaderMap) {
    let internal = |host: &HeaderValue| host.to_str().is_ok_and(|host| internal_host::component(host).is_some());
    if headers.get(HOST).is_some_and(internal) {
        headers.remove(HOST);
    }
}

/// Gives the URI a scheme and the one host that the request names.
pub fn set_host<B>(request: &mut Request<B>) -> Result<(), Invalid> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let header = match hosts.next() {
        Some(_) if hosts.next().is_some() => return Err(Invalid::AmbiguousHost),
        Some(host) => Some(Authority::try_from(host.as_bytes()).map_err(|_| Invalid::BadHost)?),
        None => None,
    };
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.authority = match (header, parts.authority) {
        (None, None) => return Err(Invalid::NoHost),
        (Some(header), Some(uri)) if header != uri => return Err(Invalid::AmbiguousHost),
        (header, uri) => header.or(uri),
    };
    parts.scheme = Some(Scheme::HTTP);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Invalid::BadHost)?;
    Ok(())
}

/// Checks the headers and adds those that describe the request.
pub fn complete<B>(request: &mut Request<B>, origin: &Origin<'_>) -> Result<(), Invalid> {
    for (name, value) in request.headers() {
        str::from_utf8(value.as_bytes()).map_err(|error| Invalid::NotText(name.clone(), error))?;
    }
    let uri = std::mem::take(request.uri_mut());
    headers::append(request.headers_mut(), &uri, origin);
    *request.uri_mut() = uri;
    Ok(())
}
