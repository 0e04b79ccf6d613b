//! The router against Spin's rules, written down as a search through all routes.

use proptest::prelude::*;
use proptest::sample::select;

use super::Router;
use crate::manifest::{HttpTrigger, Triggers};

/// Which route Spin takes: of those that fit the one whose segments are exact before a parameter before a wildcard, from the left;
/// with the same kinds all along the shorter one; of several such the first. And the component of the last trigger with that route.
fn spin<'r>(routes: &'r [String], path: &str) -> Option<(&'r str, String)> {
    let best =
        routes.iter().filter(|route| fits(route, path)).min_by_key(|route| (ranks(route), segments(route).len()))?;
    let last = routes.iter().rposition(|route| route == best)?;
    Some((best, format!("c{last}")))
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
    // A parameter takes nothing as well, between two slashes.
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

fn router(routes: &[String]) -> Router {
    let text: String = routes
        .iter()
        .enumerate()
        .map(|(at, route)| format!("[[http]]\nroute = {route:?}\ncomponent = 'c{at}'\n"))
        .collect();
    let Triggers { http }: Triggers = toml::from_str(&text).expect("triggers");
    Router::new(&http).expect("routes")
}

fn routes() -> impl Strategy<Value = Vec<String>> {
    let segment = select(&["items", "a", "audit", ":id", ":id"][..]);
    let route = (prop::collection::vec(segment, 0..4), select(&["", "", "/...", "/"][..]))
        .prop_map(|(segments, end)| format!("/{}{end}", segments.join("/")).replace("//", "/"));
    prop::collection::vec(route, 0..8)
}

fn path() -> impl Strategy<Value = String> {
    let segment = select(&["items", "a", "audit", "b", "itemsx", "", ":id", "...", "..", "%61", "é"][..]);
    (prop::collection::vec(segment, 0..5), select(&["", "/", "//"][..]))
        .prop_map(|(segments, end)| format!("/{}{end}", segments.join("/")))
}

proptest! {
    #[test]
    fn a_path_leads_where_it_leads_in_spin(routes in routes(), path in path()) {
        let router = router(&routes);
        let found = router.find(&path).map(|found| (found.target.raw.as_str(), found.target.component.clone()));
        prop_assert_eq!(found, spin(&routes, &path));
    }

    #[test]
    fn no_path_leads_to_a_private_component(routes in routes(), path in "[/a-z.:%*]{0,20}") {
        let mut triggers: Vec<HttpTrigger> = toml::from_str::<Triggers>(
            "[[http]]\nroute = { private = true }\ncomponent = 'private'\n").expect("a trigger").http;
        let public: String =
            routes.iter().map(|route| format!("[[http]]\nroute = {route:?}\ncomponent = 'public'\n")).collect();
        triggers.extend(toml::from_str::<Triggers>(&public).expect("triggers").http);
        let router = Router::new(&triggers).expect("routes");
        prop_assert!(router.find(&path).is_none_or(|found| found.target.component == "public"));
    }
}
