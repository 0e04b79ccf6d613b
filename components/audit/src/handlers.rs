//! What each route does.

use http_toolkit::{Request, Response, State};
use shared::audit_api::MAX_BODY;

use crate::{Error, event, store};

/// One statement per request needs nothing kept between statements.
#[derive(Default)]
pub struct Stateless;

impl State for Stateless {}

/// `POST /events`: one event or an array of events; 204 once all are stored, which those that were stored before are
/// already.
///
/// # Errors
/// 400, 413, 415 and 422 for a body that is refused, of which nothing is stored; 503.
pub fn store_events(request: &Request, _: &Stateless) -> Result<Response<'static>, Error> {
    let events = event::parse(request.json(MAX_BODY)?)?;
    store::store(events).map_err(|error| if error.is_refusal() { Error::Refused(error) } else { error.into() })?;
    Ok(Response::new(204))
}

/// `GET /livez`: 200. Touches nothing outside the component.
pub fn liveness(_: &Request, _: &Stateless) -> Result<Response<'static>, Error> {
    Ok(healthy("ok\n"))
}

/// `GET /readyz`: 200 if events can be stored.
///
/// # Errors
/// 503 with the reason if they cannot.
pub fn readiness(_: &Request, _: &Stateless) -> Result<Response<'static>, Error> {
    store::ready().map_err(shared::Error::not_ready)?;
    Ok(healthy("database: ok\n"))
}

fn healthy(text: &str) -> Response<'static> {
    Response::new(200).text(text.to_owned()).header("cache-control", "no-store")
}
