//! One request from its head to its log line.

use shared::error::chain;
use shared::request::{Method, Request};
use shared::response::Response;
use shared::route::{Found, find};
use shared::{event as limits, log};
use spin_sdk::http::{IncomingRequest, ResponseOutparam};

use crate::routes::{Endpoint, ROUTES};
use crate::{Error, event, store};

/// The name in log lines.
const COMPONENT: &str = "audit";

pub fn serve(incoming: IncomingRequest, out: ResponseOutparam) {
    let (request, context) = Request::receive(incoming);
    let found = find(ROUTES, request.method, &request.path);
    let (response, failure) = match answer(&request, &found) {
        Ok(response) => (response, None),
        Err(error) => {
            let response = error.response(&context.request_id);
            // A refused event is somebody's fault in here, not a caller's: its reason belongs into the log as well.
            let failed = response.status() >= 500 || matches!(error, Error::Refused(_));
            (response, failed.then(|| chain(&error)))
        }
    };
    let status = response.status();
    response.send(&context.request_id, request.method == Method::Head, out);
    log::answered(COMPONENT, &request, &context, found.template(), status, failure.as_deref());
    if status >= 400 {
        request.discard_body();
    }
}

fn answer(request: &Request, found: &Found<Endpoint>) -> Result<Response, Error> {
    match found {
        Found::Endpoint { endpoint: Endpoint::StoreEvents, .. } => store_events(request),
        Found::Endpoint { endpoint: Endpoint::Liveness, .. } => Ok(healthy("ok\n")),
        Found::Endpoint { endpoint: Endpoint::Readiness, .. } => {
            store::ready().map_err(|error| shared::Error::NotReady(Box::new(error)))?;
            Ok(healthy("database: ok\n"))
        }
        Found::Options { allow, .. } => Ok(Response::new(204).header("allow", allow.clone())),
        Found::WrongMethod { allow, .. } => Err(shared::Error::WrongMethod { allow: allow.clone() }.into()),
        Found::Nothing => Err(shared::Error::NoRoute { detail: "There is nothing at this path." }.into()),
    }
}

fn store_events(request: &Request) -> Result<Response, Error> {
    let events = event::parse(request.json(limits::MAX_BODY)?)?;
    store::store(events).map_err(|error| if error.is_refusal() { Error::Refused(error) } else { error.into() })?;
    Ok(Response::new(204))
}

fn healthy(text: &str) -> Response {
    Response::new(200).text(text.to_owned()).header("cache-control", "no-store")
}
