//! One request, from its head to its log line.

use std::time::Duration;

use spin_sdk::http::{IncomingRequest, ResponseOutparam};

use crate::clock;
use crate::error::{Error, causes};
use crate::log;
use crate::request::{Method, Request};
use crate::response::Response;
use crate::route::{Found, Route, find};

/// A component, as [`serve`] needs to know it.
pub struct Service<S: 'static, E: 'static> {
    /// Its name in log lines.
    pub name: &'static str,
    /// Everything it answers; any other path is a 404.
    pub routes: &'static [Route<S, E>],
    /// What the client reads in that 404.
    pub no_route: &'static str,
}

/// What the handlers of a component work with during one request. It is made once the route is known.
pub trait State: Default {
    /// Releases what other requests wait for (a pooled connection), before the response is sent. Returns the time spent
    /// on the database, which the client reads in `Server-Timing`; `None` without any.
    fn release(&self) -> Option<Duration> {
        None
    }
}

/// The error of a component: it knows the response it becomes.
pub trait Failure: std::error::Error {
    /// The response for the client: enough to act on, nothing about the inside.
    fn response(&self, request_id: &str) -> Response<'static>;

    /// Whether the log line of the request names the causes. By default those of a 5xx, which are not the client's
    /// fault.
    fn is_logged(&self, status: u16) -> bool {
        status >= 500
    }
}

impl Failure for Error {
    fn response(&self, request_id: &str) -> Response<'static> {
        self.response(request_id)
    }
}

/// Finds the route of a request, calls its handler, sends the response, writes the log line, and reads what is left of
/// a refused body. Answers 404, 405 and `OPTIONS` itself.
///
/// Returns the request and its state if a handler was called: the host lets an instance go on after its response, also
/// when the client has gone.
pub fn serve<S: State, E: Failure>(
    service: &Service<S, E>,
    incoming: IncomingRequest,
    out: ResponseOutparam,
) -> Option<(Request, S)> {
    let mut request = Request::receive(incoming);
    let (path, refused) = match find(service.routes, request.method, &request.path) {
        Found::Route(route, id) => match request.headers.other_condition(route.condition) {
            Some(header) => (route.path, Error::Condition { header }),
            None => {
                request.id = id.to_owned();
                let state = S::default();
                match (route.handler)(&request, &state) {
                    Ok(response) => finish(service.name, &request, route.path, response, None, state.release(), out),
                    Err(error) => fail(service.name, &request, route.path, &error, state.release(), out),
                }
                return Some((request, state));
            }
        },
        Found::WrongMethod { path, allow } if request.method == Method::Options => {
            finish(service.name, &request, path, Response::new(204).header("allow", allow), None, None, out);
            return None;
        }
        Found::WrongMethod { path, allow } => (path, Error::WrongMethod { allow }),
        Found::Nothing => ("other", Error::NoRoute { detail: service.no_route }),
    };
    fail(service.name, &request, path, &refused, None, out);
    None
}

/// Sends the response of an error.
fn fail(
    name: &str,
    request: &Request,
    route: &str,
    error: &dyn Failure,
    spent: Option<Duration>,
    out: ResponseOutparam,
) {
    let response = error.response(&request.context.request_id);
    let failure = error.is_logged(response.status()).then(|| causes(error));
    finish(name, request, route, response, failure, spent, out);
}

/// Sends the response, logs it, and reads what is left of a refused body.
fn finish(
    name: &str,
    request: &Request,
    route: &str,
    mut response: Response<'_>,
    mut failure: Option<String>,
    spent: Option<Duration>,
    out: ResponseOutparam,
) {
    let status = response.status();
    if let Some(spent) = spent {
        response = response.header("server-timing", format!("db;dur={}", clock::milliseconds(spent)));
    }
    if let Err(error) = response.send(&request.context.request_id, request.method == Method::Head, out) {
        failure = Some(causes(&*error));
    }
    log::request(name, request, route, status, failure.as_deref());
    if status >= 400 {
        request.discard_body();
    }
}
