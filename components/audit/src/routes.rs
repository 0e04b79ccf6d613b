//! Every path this component answers. Its only trigger in `spin.toml` is private, so only items reaches it, by
//! chaining; where audit runs alone, a network policy admits items only.

use http_toolkit::Method::{Get, Post};
use http_toolkit::{Route, Service};

use crate::Error;
use crate::handlers::{self, Stateless};

/// Health checks are for audit running alone.
#[rustfmt::skip]
pub static AUDIT: Service<Stateless, Error> = Service {
    name: "audit",
    routes: &[
        Route { method: Post, path: shared::audit_api::PATH, condition: "", handler: handlers::store_events },
        Route { method: Get,  path: "/livez",            condition: "", handler: handlers::liveness },
        Route { method: Get,  path: "/readyz",           condition: "", handler: handlers::readiness },
    ],
    no_route: "There is nothing at this path.",
};
