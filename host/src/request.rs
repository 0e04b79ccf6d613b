//! Makes a request what a guest of Spin would get.

use crate::chain;
use crate::route::{self, Origin};
use http::header::HOST;
use http::uri::{Authority, Scheme, Uri};
use http::{HeaderMap, Request};

/// A request no guest gets to see.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    #[error("the request has no Host header")]
    NoHost,
    #[error("the Host header is not a valid authority")]
    InvalidHost,
    #[error("the Host header and the request's URL name different hosts")]
    AmbiguousHost,
    #[error("the value of header {0} is not UTF-8")]
    NotText(http::HeaderName),
}

/// The size of a request's line and headers, in bytes. The server's own limit is a coarse one.
pub fn head_size<B>(request: &Request<B>) -> usize {
    let line = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| name.as_str().len() + value.len();
    line + request.headers().iter().map(header).sum::<usize>()
}

/// Removes a `Host` header that pretends to be a call from inside.
pub fn strip_internal_host(headers: &mut HeaderMap) {
    let internal = |host: &http::HeaderValue| host.to_str().is_ok_and(|host| chain::component_of(host).is_some());
    if headers.get(HOST).is_some_and(internal) {
        headers.remove(HOST);
    }
}

/// Gives the URI a scheme and the one host that the request names.
pub fn set_host<B>(request: &mut Request<B>) -> Result<(), Unfit> {
    let header = match request.headers().get(HOST) {
        Some(host) => Some(Authority::try_from(host.as_bytes()).map_err(|_| Unfit::InvalidHost)?),
        None => None,
    };
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.authority = match (header, parts.authority) {
        (None, None) => return Err(Unfit::NoHost),
        (Some(header), Some(uri)) if header != uri => return Err(Unfit::AmbiguousHost),
        (header, uri) => header.or(uri),
    };
    parts.scheme = Some(Scheme::HTTP);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Unfit::InvalidHost)?;
    Ok(())
}

/// Checks the headers and adds those that tell a guest about the match.
pub fn complete<B>(request: &mut Request<B>, origin: &Origin<'_>) -> Result<(), Unfit> {
    let broken = request.headers().iter().find(|(_, value)| str::from_utf8(value.as_bytes()).is_err());
    if let Some((name, _)) = broken {
        return Err(Unfit::NotText(name.clone()));
    }
    let uri = std::mem::take(request.uri_mut());
    route::append_headers(request.headers_mut(), &uri, origin);
    *request.uri_mut() = uri;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(uri: &str, host: Option<&[u8]>) -> Result<String, Unfit> {
        let mut request = Request::get(uri).body(()).unwrap();
        if let Some(host) = host {
            request.headers_mut().insert(HOST, http::HeaderValue::from_bytes(host).unwrap());
        }
        strip_internal_host(request.headers_mut());
        set_host(&mut request).map(|()| request.uri().to_string())
    }

    #[test]
    fn the_host_comes_from_the_header_or_the_url() {
        assert_eq!(hosts("/a?b", Some(b"h:1")).unwrap(), "http://h:1/a?b");
        assert_eq!(hosts("http://h/a", None).unwrap(), "http://h/a");
        assert_eq!(hosts("http://h/a", Some(b"h")).unwrap(), "http://h/a");
    }

    #[test]
    fn a_request_without_one_clear_host_is_unfit() {
        assert!(matches!(hosts("/a", None), Err(Unfit::NoHost)));
        assert!(matches!(hosts("/a", Some(b"a b")), Err(Unfit::InvalidHost)));
        assert!(matches!(hosts("/a", Some(b"\xff")), Err(Unfit::InvalidHost)));
        assert!(matches!(hosts("http://h/a", Some(b"other")), Err(Unfit::AmbiguousHost)));
        assert!(matches!(hosts("/a", Some(b"audit.spin.internal")), Err(Unfit::NoHost)));
    }
}
