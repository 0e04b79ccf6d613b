//! The `spin-*` headers that describe a request to a component.

use crate::manifest::routes::Match;
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use std::borrow::Cow;
use std::net::SocketAddr;

/// The client address that a chained call shows.
const CHAINED_CLIENT: &str = "0.0.0.0:0";
/// The route that a chained call shows.
const CHAINED_ROUTE: &str = "/...";

/// Where a request comes from.
pub enum Origin<'a> {
    /// A client, at this address; the request matched a route.
    Client(&'a Match<'a>, SocketAddr),
    /// Another component of the application.
    Chained,
}

/// Appends the `spin-*` headers after any headers of these names that the client sent.
pub fn append(headers: &mut HeaderMap, uri: &Uri, origin: &Origin<'_>) {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let full_url = format!("{}://{host}{path}", uri.scheme_str().unwrap_or("http"));
    let (matched, raw, path_info, client): (_, _, Cow<'_, str>, Cow<'_, str>) = match origin {
        Origin::Client(found, client) => {
            let target = found.target;
            (target.based.as_str(), target.raw.as_str(), found.path_info().into(), client.to_string().into())
        }
        Origin::Chained => (CHAINED_ROUTE, CHAINED_ROUTE, uri.path().into(), CHAINED_CLIENT.into()),
    };
    let mut append = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.append(name, value);
        }
    };
    for (name, value) in [
        ("spin-path-info", &*path_info),
        ("spin-full-url", &full_url),
        ("spin-matched-route", matched),
        ("spin-base-path", "/"),
        ("spin-raw-component-route", raw),
        ("spin-component-route", raw.strip_suffix("/...").unwrap_or(raw)),
        ("spin-client-addr", &client),
    ] {
        append(HeaderName::from_static(name), value);
    }
    if let Origin::Client(found, _) = origin {
        for (name, value) in found.captures.iter() {
            let name = format!("spin-path-match-{}", name.to_ascii_lowercase().replace('_', "-"));
            if let Ok(name) = HeaderName::try_from(name) {
                append(name, value);
            }
        }
    }
}
