//! Every path this component answers. `spin.toml` has a trigger for each, and a catch-all for the 404.

use http_toolkit::Method::{Delete, Get, Post, Put};
use http_toolkit::{Route, Service};

use crate::Error;
use crate::handlers::{documents, health, item, list};
use crate::store::Store;

/// `GET` answers `HEAD` as well; `OPTIONS` and the `Allow` of a 405 are derived.
#[rustfmt::skip]
pub static ITEMS: Service<Store, Error> = Service {
    name: "items",
    routes: &[
        Route { method: Get,    path: "/items",        condition: "",              handler: list::list },
        Route { method: Post,   path: "/items",        condition: "",              handler: item::create },
        Route { method: Get,    path: "/items/{id}",   condition: "If-None-Match", handler: item::get },
        Route { method: Put,    path: "/items/{id}",   condition: "If-Match",      handler: item::update },
        Route { method: Delete, path: "/items/{id}",   condition: "If-Match",      handler: item::delete },
        Route { method: Get,    path: "/livez",        condition: "",              handler: health::liveness },
        Route { method: Get,    path: "/readyz",       condition: "",              handler: health::readiness },
        Route { method: Get,    path: "/openapi.json", condition: "If-None-Match", handler: documents::contract },
        Route { method: Get,    path: "/",             condition: "If-None-Match", handler: documents::explorer },
    ],
    no_route: "There is nothing at this path; GET /openapi.json lists what there is.",
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_path_has_a_trigger_of_its_own_and_nothing_else_has() {
        let manifest = include_str!("../../../spin.toml");
        let paths: BTreeSet<&str> = ITEMS.routes.iter().map(|route| route.path).collect();
        for path in &paths {
            let trigger = format!("route = \"{}\"\ncomponent = \"items\"", path.replace("{id}", ":id"));
            assert!(manifest.contains(&trigger), "{path}");
        }
        // The catch-all, which answers the 404, is the one more.
        assert_eq!(manifest.matches("component = \"items\"").count(), paths.len() + 1);
    }
}
