//! Generated paths: a route matches its own path and no other that looks like it.

use proptest::prelude::*;
use proptest::sample::select;

use super::tests::route;
use super::*;

static ROUTES: &[Route<(), ()>] = &[
    route(Method::Get, "/things"),
    route(Method::Post, "/things"),
    route(Method::Get, "/things/{id}"),
    route(Method::Delete, "/things/{id}"),
    route(Method::Get, "/"),
];

const METHODS: [Method; 7] =
    [Method::Get, Method::Head, Method::Post, Method::Put, Method::Delete, Method::Options, Method::Other];

proptest! {
    #[test]
    fn the_segments_of_a_path_decide_its_route(
        segments in prop::collection::vec(select(&["things", "Things", "1", "", "..", "%2e", "{id}", "é", "a/b"][..]), 0..4),
        method in select(&METHODS[..]),
    ) {
        let path = format!("/{}", segments.join("/"));
        let parts: Vec<&str> = path[1..].split('/').collect();
        let expected = match parts[..] {
            [""] => Some(("/", "", "GET, HEAD, OPTIONS")),
            ["things"] => Some(("/things", "", "GET, POST, HEAD, OPTIONS")),
            ["things", id] if !id.is_empty() => Some(("/things/{id}", id, "GET, DELETE, HEAD, OPTIONS")),
            _ => None,
        };
        match (find(ROUTES, method, &path), expected) {
            (Found::Nothing, None) => {}
            (Found::Route(route, id), Some((known, segment, allow))) => {
                prop_assert_eq!((route.path, id), (known, segment));
                prop_assert!(method != Method::Options && allow.split(", ").any(|name| name == method.name()));
                prop_assert!(route.method == method || (route.method, method) == (Method::Get, Method::Head));
            }
            (Found::WrongMethod { path, allow }, Some((known, _, methods))) => {
                prop_assert_eq!((path, &*allow), (known, methods));
                prop_assert!(method == Method::Options || !methods.split(", ").any(|name| name == method.name()));
            }
            _ => prop_assert!(false, "{path}: not {expected:?}"),
        }
    }

    #[test]
    fn any_text_matches_the_route_it_spells_or_none(path in "\\PC{0,20}|/things/\\PC{0,20}") {
        if let Found::Route(route, id) = find(ROUTES, Method::Get, &path) {
            prop_assert_eq!(route.path.replace("{id}", id), path);
        }
    }
}
