//! Every path this component answers; anything else is a 404.

use shared::request::Method::{Get, Post};
use shared::route::Route;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    StoreEvents,
    Liveness,
    Readiness,
}

#[rustfmt::skip]
pub static ROUTES: &[Route<Endpoint>] = &[
    Route { template: shared::event::PATH, endpoints: &[(Post, Endpoint::StoreEvents)] },
    Route { template: "/livez",            endpoints: &[(Get, Endpoint::Liveness)] },
    Route { template: "/readyz",           endpoints: &[(Get, Endpoint::Readiness)] },
];
