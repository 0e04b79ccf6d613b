//! Which component answers a path, and the `spin-*` headers it is told so by.

use crate::manifest::{HttpTrigger, Route};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use std::net::SocketAddr;

/// Paths under this prefix belong to the host.
pub const WELL_KNOWN: &str = "/.well-known/spin/";

/// The routes of all triggers. Matching is that of the crate Spin itself uses: exact before parameter before wildcard, outer slashes ignored.
pub struct Router(routefinder::Router<Target>);

/// One trigger's route.
#[derive(Debug)]
pub struct Target {
    pub component: String,
    /// The route as written in the manifest.
    pub raw: String,
    /// The route without a trailing slash: `/` becomes the empty string.
    based: String,
}

/// A path and the route that covers it.
pub struct Match<'a> {
    pub target: &'a Target,
    captures: routefinder::Captures<'a, 'a>,
    path: &'a str,
}

impl Router {
    /// Of two triggers with the same route the later one wins, as in Spin. The error names the route.
    pub fn new(triggers: &[HttpTrigger]) -> Result<Self, String> {
        let mut router = routefinder::Router::new();
        let public = triggers.iter().filter_map(|trigger| match &trigger.route {
            Route::Path(path) => Some((path, &trigger.component)),
            Route::Private(_) => None,
        });
        for (index, (raw, component)) in public.clone().enumerate() {
            if public.clone().take(index).any(|(earlier, _)| earlier == raw) {
                continue;
            }
            // In the place of the first, which counts where routes differ in a trailing slash alone.
            let component = public.clone().rfind(|(other, _)| *other == raw).map_or(component, |(_, last)| last);
            let absolute = if raw.starts_with('/') { raw.clone() } else { format!("/{raw}") };
            let based = absolute.strip_suffix('/').unwrap_or(&absolute).to_owned();
            let spec = based.strip_suffix("/...").map_or_else(|| based.clone(), |prefix| format!("{prefix}/*"));
            let target = Target { component: component.clone(), raw: raw.clone(), based };
            router.add(spec, target).map_err(|error| format!("route {raw} of component {component}: {error}"))?;
        }
        Ok(Self(router))
    }

    pub fn find<'a>(&'a self, path: &'a str) -> Option<Match<'a>> {
        let found = self.0.best_match(path)?;
        Some(Match { target: found.handler(), captures: found.captures(), path })
    }

    /// The routes as `spin up` lists them, with their components.
    pub fn list(&self) -> impl Iterator<Item = (String, &str)> {
        self.0.iter().map(|(_, target)| {
            let shown = match target.based.strip_suffix("/...").or(target.based.strip_suffix("/*")) {
                Some(prefix) => format!("{prefix} (wildcard)"),
                None => target.based.clone(),
            };
            (shown, target.component.as_str())
        })
    }
}

/// What a component is told about a request beside the request itself.
pub enum Origin<'a> {
    /// A client's request, matched by a route.
    Client(&'a Match<'a>, SocketAddr),
    /// A call from another component of the application.
    Chained,
}

/// The address a chained call seems to come from.
const CHAINED_CLIENT: &str = "0.0.0.0:0";
/// The route a chained call seems to have matched.
const CHAINED_ROUTE: &str = "/...";

/// Appends the `spin-*` headers behind whatever headers of these names the client sent.
pub fn append_headers(headers: &mut HeaderMap, uri: &Uri, origin: &Origin<'_>) {
    let host = headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let full_url = format!("{}://{host}{path}", uri.scheme_str().unwrap_or("http"));
    let mut append = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.append(name, value);
        }
    };
    let (matched, raw) = match origin {
        Origin::Client(found, _) => (found.target.based.as_str(), found.target.raw.as_str()),
        Origin::Chained => (CHAINED_ROUTE, CHAINED_ROUTE),
    };
    match origin {
        Origin::Client(found, _) => append(HeaderName::from_static("spin-path-info"), &found.path_info()),
        Origin::Chained => append(HeaderName::from_static("spin-path-info"), uri.path()),
    }
    append(HeaderName::from_static("spin-full-url"), &full_url);
    append(HeaderName::from_static("spin-matched-route"), matched);
    append(HeaderName::from_static("spin-base-path"), "/");
    append(HeaderName::from_static("spin-raw-component-route"), raw);
    append(HeaderName::from_static("spin-component-route"), raw.strip_suffix("/...").unwrap_or(raw));
    match origin {
        Origin::Client(found, client) => {
            append(HeaderName::from_static("spin-client-addr"), &client.to_string());
            for (name, value) in found.captures.iter() {
                let name = format!("spin-path-match-{}", name.to_ascii_lowercase().replace('_', "-"));
                if let Ok(name) = HeaderName::try_from(name) {
                    append(name, value);
                }
            }
        }
        Origin::Chained => append(HeaderName::from_static("spin-client-addr"), CHAINED_CLIENT),
    }
}

impl Match<'_> {
    /// What a trailing wildcard covers, with its leading slash and, unlike the matcher, the trailing one.
    fn path_info(&self) -> String {
        let Some(rest) = self.captures.wildcard() else {
            return String::new();
        };
        let slash = |there| if there { "/" } else { "" };
        format!("{}{rest}{}", slash(!rest.is_empty()), slash(self.path.ends_with('/')))
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn router(routes: &[(&str, &str)]) -> Router {
        let trigger =
            |(route, component): &(&str, &str)| format!("[[http]]\nroute = {route:?}\ncomponent = {component:?}\n");
        let text: String = routes.iter().map(trigger).collect();
        let triggers: crate::manifest::Triggers = toml::from_str(&text).unwrap();
        Router::new(&triggers.http).unwrap()
    }

    fn raw<'a>(router: &'a Router, path: &'a str) -> Option<&'a str> {
        router.find(path).map(|found| found.target.raw.as_str())
    }

    #[test]
    fn exact_wins_over_parameter_and_that_over_wildcard() {
        let router = router(&[("/...", "c"), ("/items/:id", "c"), ("/items", "c"), ("/items/new", "c"), ("/", "c")]);
        assert_eq!(raw(&router, "/items/new"), Some("/items/new"));
        assert_eq!(raw(&router, "/items/7"), Some("/items/:id"));
        assert_eq!(raw(&router, "/items/7/x"), Some("/..."));
        assert_eq!(raw(&router, "/items"), Some("/items"));
        assert_eq!(raw(&router, "/"), Some("/"));
    }

    #[test]
    fn outer_slashes_are_ignored() {
        let router = router(&[("/items", "c")]);
        assert_eq!(raw(&router, "//items///"), Some("/items"));
        assert_eq!(raw(&router, "/items//x"), None);
    }

    #[test]
    fn of_two_equal_routes_the_later_one_wins() {
        let router = router(&[("/a", "first"), ("/a", "second")]);
        assert_eq!(router.find("/a").unwrap().target.component, "second");
    }

    #[test]
    fn a_route_that_comes_again_keeps_its_place_before_one_that_differs_in_a_slash() {
        let router = router(&[("/a", "first"), ("/a/", "slash"), ("/a", "second")]);
        assert_eq!(router.find("/a").unwrap().target.component, "second");
    }

    #[test]
    fn the_added_headers_describe_the_match() {
        let router = router(&[("/users/:user_id/...", "c")]);
        let found = router.find("/users/42/posts/").unwrap();
        let uri: Uri = "http://example.org/users/42/posts/?q=1".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("example.org"));
        headers.insert("spin-client-addr", HeaderValue::from_static("forged"));
        append_headers(&mut headers, &uri, &Origin::Client(&found, "127.0.0.1:9".parse().unwrap()));
        assert_eq!(headers["spin-path-info"], "/posts/");
        assert_eq!(headers["spin-full-url"], "http://example.org/users/42/posts/?q=1");
        assert_eq!(headers["spin-matched-route"], "/users/:user_id/...");
        assert_eq!(headers["spin-component-route"], "/users/:user_id");
        assert_eq!(headers["spin-raw-component-route"], "/users/:user_id/...");
        assert_eq!(headers["spin-path-match-user-id"], "42");
        let addresses: Vec<_> = headers.get_all("spin-client-addr").iter().collect();
        assert_eq!(addresses, ["forged", "127.0.0.1:9"]);
    }
}
