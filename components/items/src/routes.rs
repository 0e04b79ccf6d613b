//! Every path this component answers. `spin.toml` has a trigger for each; anything else is a 404.

use shared::request::Method::{Delete, Get, Post, Put};
use shared::route::Route;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    Page,
    Contract,
    ListItems,
    CreateItem,
    GetItem,
    UpdateItem,
    DeleteItem,
    Liveness,
    Readiness,
}

/// `GET` answers `HEAD` as well; `OPTIONS` and the `Allow` of a 405 are derived.
#[rustfmt::skip]
pub static ROUTES: &[Route<Endpoint>] = &[
    Route { template: "/items",        endpoints: &[(Get, Endpoint::ListItems), (Post, Endpoint::CreateItem)] },
    Route { template: "/items/{id}",   endpoints: &[(Get, Endpoint::GetItem), (Put, Endpoint::UpdateItem), (Delete, Endpoint::DeleteItem)] },
    Route { template: "/livez",        endpoints: &[(Get, Endpoint::Liveness)] },
    Route { template: "/readyz",       endpoints: &[(Get, Endpoint::Readiness)] },
    Route { template: "/openapi.json", endpoints: &[(Get, Endpoint::Contract)] },
    Route { template: "/",             endpoints: &[(Get, Endpoint::Page)] },
];

#[cfg(test)]
mod tests {
    use shared::request::Method;
    use shared::route::{Found, find};

    use super::*;

    #[test]
    fn every_route_of_the_table_leads_to_its_endpoint() {
        for (method, path, expected, expected_id) in [
            (Method::Get, "/", Endpoint::Page, ""),
            (Method::Get, "/openapi.json", Endpoint::Contract, ""),
            (Method::Head, "/items", Endpoint::ListItems, ""),
            (Method::Post, "/items", Endpoint::CreateItem, ""),
            (Method::Get, "/items/7", Endpoint::GetItem, "7"),
            (Method::Put, "/items/7", Endpoint::UpdateItem, "7"),
            (Method::Delete, "/items/7", Endpoint::DeleteItem, "7"),
            (Method::Get, "/livez", Endpoint::Liveness, ""),
            (Method::Get, "/readyz", Endpoint::Readiness, ""),
        ] {
            match find(ROUTES, method, path) {
                Found::Endpoint { endpoint, id, .. } => {
                    assert_eq!((endpoint, id), (expected, expected_id))
                }
                other => panic!("{method:?} {path}: {other:?}"),
            }
        }
    }

    #[test]
    fn every_route_has_a_trigger_of_its_own_and_nothing_else_has() {
        let manifest = include_str!("../../../spin.toml");
        for Route { template, .. } in ROUTES {
            let trigger = format!("route = \"{}\"\ncomponent = \"items\"", template.replace("{id}", ":id"));
            assert!(manifest.contains(&trigger), "{template}");
        }
        // The catch-all, which answers the 404, is the one more.
        assert_eq!(manifest.matches("component = \"items\"").count(), ROUTES.len() + 1);
    }

    #[test]
    fn other_paths_lead_nowhere() {
        for path in ["/item", "/items/", "//items", "//items/", "/items/1/", "/events", "/index.html", "/livez/"] {
            assert_eq!(find(ROUTES, Method::Get, path), Found::Nothing, "{path}");
        }
    }
}
