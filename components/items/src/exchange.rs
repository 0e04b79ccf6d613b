//! One request from its head to the work after its answer.

use shared::context::Context;
use shared::error::chain;
use shared::request::{Method, Request};
use shared::response::Response;
use shared::route::find;
use shared::{clock, log};
use spin_sdk::http::{IncomingRequest, ResponseOutparam};

use crate::handlers::{self, Answer, list};
use crate::routes::ROUTES;
use crate::store::Store;
use crate::{Error, relay};

/// The name in log lines.
pub(crate) const COMPONENT: &str = "items";

/// Answers, logs, and relays if a statement of this request obtained the lease. The host lets a guest go on after its
/// answer, also when the client has gone.
pub fn serve(incoming: IncomingRequest, out: ResponseOutparam) {
    let (request, context) = Request::receive(incoming);
    let mut store = Store::new(&context);
    let found = find(ROUTES, request.method, &request.path);
    let answer = handlers::answer(&request, &found, &mut store);
    store.give_back();

    let (status, failure) = send(answer, &request, &context, &mut store, out);
    log::answered(COMPONENT, &request, &context, found.template(), status, failure.as_deref());

    relay::run(&mut store, &context);
    if status >= 400 {
        request.discard_body();
    }
}

/// Sends the answer; gives its status, and the cause chain where something failed that is not the caller's fault.
fn send(
    answer: Result<Answer, Error>,
    request: &Request,
    context: &Context,
    store: &mut Store,
    out: ResponseOutparam,
) -> (u16, Option<String>) {
    let head_only = request.method == Method::Head;
    match answer {
        Ok(Answer::Whole(response)) => {
            let status = response.status();
            timed(response, store).send(&context.request_id, head_only, out);
            (status, None)
        }
        Ok(Answer::Streamed(response, rest)) => {
            let status = response.status();
            let writer = timed(response, store).open(&context.request_id, out);
            if head_only {
                writer.finish();
                return (status, None);
            }
            match list::write_rest(store, &writer, rest) {
                Ok(()) => {
                    writer.finish();
                    (status, None)
                }
                // The writer is dropped unfinished: the host cuts the connection.
                Err(error) => (status, Some(chain(&error))),
            }
        }
        Err(error) => {
            let response = error.response(&context.request_id);
            let status = response.status();
            timed(response, store).send(&context.request_id, head_only, out);
            (status, (status >= 500).then(|| chain(&error)))
        }
    }
}

fn timed(response: Response, store: &Store) -> Response {
    match store.spent() {
        Some(spent) => response.header("server-timing", format!("db;dur={}", clock::milliseconds(spent))),
        None => response,
    }
}
