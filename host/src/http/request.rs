//! Turns a request into the one that a component gets from Spin.

use super::headers::{self, Origin};
use crate::manifest::internal_host;
use http::header::HOST;
use http::uri::{Authority, Scheme, Uri};
use http::{HeaderMap, HeaderName, HeaderValue, Request};

/// Why a request does not reach a component.
#[derive(Debug, thiserror::Error)]
pub enum Invalid {
    /// Neither the request line nor a header names the host.
    #[error("the request has no Host header")]
    NoHost,
    /// The header is not a host with an optional port.
    #[error("the Host header is not a valid authority")]
    BadHost,
    /// RFC 9112, section 3.2.2 would let the URL win; Spin refuses the request.
    #[error("the Host header and the request's URL name different hosts")]
    AmbiguousHost,
    /// The interface of the SDK passes header values as text.
    #[error("the value of header {0} is not UTF-8")]
    NotText(HeaderName),
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
    let header = match request.headers().get(HOST) {
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
    let broken = request.headers().iter().find(|(_, value)| str::from_utf8(value.as_bytes()).is_err());
    if let Some((name, _)) = broken {
        return Err(Invalid::NotText(name.clone()));
    }
    let uri = std::mem::take(request.uri_mut());
    headers::append(request.headers_mut(), &uri, origin);
    *request.uri_mut() = uri;
    Ok(())
}
