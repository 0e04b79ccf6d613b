//! The HTTP API of items with nothing but an address: on a host of its own, or, by `make acceptance`, where
//! `ACCEPTANCE_URL` says. A file per endpoint, and one per promise that holds for several of them.

mod conditions;
mod create_item;
mod delete_item;
mod get_item;
mod headers;
mod idempotency;
mod list_items;
mod parameters;
mod private;
mod refused_bodies;
mod update_item;

use reqwest::RequestBuilder;
use support::Service;

/// Sends a request and checks that it is refused, with a problem document that names what is wrong. That it leaves
/// nothing: [`Service::complete`].
async fn refused(service: &Service, what: &str, request: RequestBuilder, status: u16, named: &str) {
    let response = service.send(request).await;
    assert_eq!(response.status, status, "{what}: {response:?}");
    assert!(crate::api::names(&response, named), "{what}: {named} is not named in {response:?}");
}
