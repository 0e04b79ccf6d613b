//! The route table of a component: exact paths, and at most one parameter as the last segment.

use crate::request::{Method, Request};
use crate::response::Response;

/// What answers a route: it reads the request, works with the component's state `S`, and returns a response or the
/// component's error `E`.
pub type Handler<S, E> = for<'a> fn(&'a Request, &'a S) -> Result<Response<'a>, E>;

/// One line of a route table.
pub struct Route<S, E> {
    /// `GET` answers `HEAD` as well.
    pub method: Method,
    /// `{id}` as the last segment stands for one non-empty segment, which the handler finds in [`Request::id`].
    pub path: &'static str,
    /// The condition that the handler evaluates: `If-Match`, `If-None-Match`, or empty. A request with another one is
    /// refused. Conditions on dates are ignored, as RFC 9110 (13.1.3 to 13.1.5) requires where nothing has a date.
    pub condition: &'static str,
    /// What answers it.
    pub handler: Handler<S, E>,
}

/// What the search in a route table found.
pub(crate) enum Found<'r, 'p, S, E> {
    /// A route, and the segment of the path that stands for `{id}`.
    Route(&'r Route<S, E>, &'p str),
    /// The path has routes, but none for this method. `allow` lists its methods, as the header `Allow` does.
    WrongMethod { path: &'static str, allow: String },
    /// No route has this path.
    Nothing,
}

/// Looks up `path` as it was sent.
pub(crate) fn find<'r, 'p, S, E>(routes: &'r [Route<S, E>], method: Method, path: &'p str) -> Found<'r, 'p, S, E> {
    let wanted = if method == Method::Head { Method::Get } else { method };
    let mut known = None;
    let mut allow = String::new();
    for route in routes {
        let Some(id) = matched(route.path, path) else { continue };
        if route.method == wanted {
            return Found::Route(route, id);
        }
        known = Some(route.path);
        allow += route.method.name();
        allow += ", ";
    }
    match known {
        Some(path) => {
            let head = if allow.contains("GET, ") { "HEAD, OPTIONS" } else { "OPTIONS" };
            Found::WrongMethod { path, allow: allow + head }
        }
        None => Found::Nothing,
    }
}

/// The segment of `path` that stands for `{id}`, empty where the route has none; `None` if this is another path.
fn matched<'p>(route: &str, path: &'p str) -> Option<&'p str> {
    match route.strip_suffix("{id}") {
        Some(prefix) => path.strip_prefix(prefix).filter(|id| !id.is_empty() && !id.contains('/')),
        None => (route == path).then_some(""),
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn handler(_: &Request, _: &()) -> Result<Response<'static>, ()> {
        Err(())
    }

    pub(super) const fn route(method: Method, path: &'static str) -> Route<(), ()> {
        Route { method, path, condition: "", handler }
    }

    static ROUTES: &[Route<(), ()>] = &[
        route(Method::Get, "/"),
        route(Method::Get, "/things"),
        route(Method::Post, "/things"),
        route(Method::Delete, "/things/{id}"),
    ];

    /// Method, path and parameter of the route that was found, or the methods of the path, or nothing.
    fn found(method: Method, path: &str) -> String {
        match find(ROUTES, method, path) {
            Found::Route(route, id) => format!("{} {} {id}", route.method.name(), route.path),
            Found::WrongMethod { path, allow } => format!("{path} has {allow}"),
            Found::Nothing => String::new(),
        }
    }

    #[test]
    fn paths_are_exact() {
        for path in
            ["", "//", "/things/", "//things", "/things//", "/things/1/", "/things/1/2", "/Things", "/thing", "*"]
        {
            assert_eq!(found(Method::Get, path), "", "{path}");
        }
    }

    #[test]
    fn a_parameter_is_passed_on_undecoded() {
        for id in ["1", "%31", "x", "1;a"] {
            assert_eq!(found(Method::Delete, &format!("/things/{id}")), format!("DELETE /things/{{id}} {id}"));
        }
    }

    #[test]
    fn get_answers_head_and_any_other_method_is_answered_with_the_right_ones() {
        assert_eq!(found(Method::Get, "/things"), "GET /things ");
        assert_eq!(found(Method::Head, "/things"), "GET /things ");
        assert_eq!(found(Method::Post, "/things"), "POST /things ");
        assert_eq!(found(Method::Other, "/things"), "/things has GET, POST, HEAD, OPTIONS");
        assert_eq!(found(Method::Options, "/things"), "/things has GET, POST, HEAD, OPTIONS");
        assert_eq!(found(Method::Head, "/things/1"), "/things/{id} has DELETE, OPTIONS");
        assert_eq!(found(Method::Options, "/nowhere"), "");
    }
}
