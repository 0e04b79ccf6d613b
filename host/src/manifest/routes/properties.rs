//! The router against Spin's rules, written as a search through all routes.

use proptest::prelude::*;
use proptest::sample::select;

use super::Router;
use crate::manifest::{HttpTrigger, Route};

/// The route Spin chooses: of those that fit, the one whose segments are, from the left, exact before a parameter
/// before a wildcard; of two with the same kinds, the shorter one; of several such, the first.
fn spin<'r>(routes: &'r [String], path: &str) -> Option<&'r str> {
    let fitting = routes.iter().filter(|route| fits(route, path));
    fitting.min_by_key(|route| (ranks(route), segments(route).len())).map(String::as_str)
}

fn segments(path: &str) -> Vec<&str> {
    match path.trim_matches('/') {
        "" => Vec::new(),
        path => path.split('/').collect(),
    }
}

fn fits(route: &str, path: &str) -> bool {
    let (route, path) = (segments(route), segments(path));
    let (route, open) = match route.split_last() {
        Some((&"...", route)) => (route, true),
        _ => (&route[..], false),
    };
    // A parameter may be empty, between two slashes.
    let part = |(part, given): (&&str, &&str)| part.starts_with(':') || part == given;
    (path.len() == route.len() || open && path.len() > route.len()) && route.iter().zip(&path).all(part)
}

fn ranks(route: &str) -> Vec<u8> {
    let rank = |segment: &&str| match segment.as_bytes() {
        b"..." => 2,
        [b':', ..] => 1,
        _ => 0,
    };
    segments(route).iter().map(rank).collect()
}

fn trigger(route: Route, component: &str) -> HttpTrigger {
    HttpTrigger { route, component: component.to_owned() }
}

/// A router in which the component of a route has the route's own name, beside a private component.
fn router(routes: &[String]) -> Router {
    let mut triggers = vec![trigger(Route::Private { private: true }, "private")];
    triggers.extend(routes.iter().map(|route| trigger(Route::Path(route.clone()), route)));
    Router::new(&triggers).expect("routes")
}

fn routes() -> impl Strategy<Value = Vec<String>> {
    let segment = select(&["items", "a", "audit", ":id", ":id"][..]);
    let route = (prop::collection::vec(segment, 0..4), select(&["", "", "/...", "/"][..]))
        .prop_map(|(segments, end)| format!("/{}{end}", segments.join("/")).replace("//", "/"));
    prop::collection::vec(route, 0..8).prop_map(|mut routes| {
        let mut seen = std::collections::HashSet::new();
        routes.retain(|route| seen.insert(route.trim_end_matches('/').to_owned()));
        routes
    })
}

fn path() -> impl Strategy<Value = String> {
    let segment = select(&["items", "a", "audit", "b", "itemsx", "", ":id", "...", "..", "%61", "é"][..]);
    (prop::collection::vec(segment, 0..5), select(&["", "/", "//"][..]))
        .prop_map(|(segments, end)| format!("/{}{end}", segments.join("/")))
}

proptest! {
    #[test]
    fn a_path_leads_where_it_leads_in_spin(routes in routes(), path in prop_oneof![path(), "[/a-z.:%*]{0,20}"]) {
        let router = router(&routes);
        let found = router.find(&path).map(|found| found.target.component.as_str());
        prop_assert_eq!(found, spin(&routes, &path));
    }
}
