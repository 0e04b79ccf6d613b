//! Paths of all kinds: a template leads to itself, and nothing that only looks like it.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

static ROUTES: &[Route<u8>] = &[
    Route { template: "/things", endpoints: &[(Method::Get, 1), (Method::Post, 2)] },
    Route { template: "/things/{id}", endpoints: &[(Method::Get, 3), (Method::Delete, 4)] },
    Route { template: "/", endpoints: &[(Method::Get, 0)] },
];

const METHODS: [Method; 7] =
    [Method::Get, Method::Head, Method::Post, Method::Put, Method::Delete, Method::Options, Method::Other];

proptest! {
    #[test]
    fn a_path_is_what_its_segments_say(
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
            (Found::Endpoint { template, endpoint, id }, Some((known, segment, allow))) => {
                prop_assert_eq!((template, id), (known, segment));
                prop_assert!(allow.split(", ").any(|name| name == method.name()));
                prop_assert_eq!(endpoint == 2 || endpoint == 4, method == Method::Post || method == Method::Delete);
            }
            (Found::Options { template, allow }, Some((known, _, methods))) => {
                prop_assert_eq!((template, &*allow, method), (known, methods, Method::Options));
            }
            (Found::WrongMethod { template, allow }, Some((known, _, methods))) => {
                prop_assert_eq!((template, &*allow), (known, methods));
                prop_assert!(!methods.split(", ").any(|name| name == method.name()));
            }
            (found, expected) => prop_assert!(false, "{path}: {found:?}, not {expected:?}"),
        }
    }

    #[test]
    fn any_text_leads_to_one_of_the_templates_or_nowhere(path in "\\PC{0,20}|/things/\\PC{0,20}") {
        if let Found::Endpoint { template, id, .. } = find(ROUTES, Method::Get, &path) {
            prop_assert_eq!(template.replace("{id}", id), path);
        }
    }
}
