//! A component that does what the path and query of a request say; tests check how the host reacts.
//!
//! # Layout
//! - `query`: the parameters of a request; `response`: simple responses.
//! - `streams`: bodies, lines and work after the response.
//! - `misbehave`: traps, loops, memory and waiting.
//! - `grants`, `fetch` and `database` try what the manifest may not permit.
//! - `bindings`: the interfaces of Spin.
#![cfg(target_family = "wasm")]

mod bindings;
mod database;
mod fetch;
mod grants;
mod misbehave;
mod query;
mod response;
mod streams;

use query::Query;
use response::text;
use spin_sdk::http::{IncomingRequest, ResponseOutparam};

#[allow(unsafe_code)]
mod entry {
    use super::{IncomingRequest, ResponseOutparam};

    #[spin_sdk::http_component]
    async fn handle(request: IncomingRequest, out: ResponseOutparam) {
        super::route(request, out);
    }
}

fn route(request: IncomingRequest, out: ResponseOutparam) {
    let url = request.path_with_query().unwrap_or_default();
    let (path, query) = url.split_once('?').unwrap_or((&url, ""));
    let query = Query::parse(query);
    match path.trim_end_matches('/').rsplit('/').next().unwrap_or_default() {
        "hello" => text(out, "hello"),
        "status" => response::status(out, query.number("code")),
        "headers" => text(out, &response::describe(&request)),
        "echo" => streams::echo(request, out),
        "say" => streams::say(out, &query),
        "stream" => streams::stream(out, query.number("mib")),
        "sized" => streams::sized(out, query.number("bytes"), query.number("length")),
        "after-response" => streams::after_response(out, &query),
        "unfinished-body" => streams::unfinished(out, false),
        "left-body" => streams::unfinished(out, true),
        "wait" => {
            misbehave::wait(query.number("ms"));
            text(out, "waited");
        }
        "trap" => misbehave::trap(out, query.get("after")),
        "spin-cpu" => misbehave::spin_cpu(out, query.number("ms")),
        "allocate" => text(out, &misbehave::allocate(query.number("mib"))),
        "hang" => misbehave::hang(),
        "exit" => std::process::exit(1),
        "silent" => drop(out),
        "error" => response::error(out),
        "env" => text(out, &grants::environment()),
        "files" => text(out, &grants::file(query.get("path"))),
        "socket" => text(out, &grants::socket(query.number("port"))),
        "lookup" => text(out, &grants::lookup(query.get("name"))),
        "variable" => text(out, &grants::variable(query.get("name"))),
        "fetch" => text(out, &fetch::fetch(&query)),
        "forward" => text(out, &fetch::forward(request, query.get("url"))),
        "pg" => text(out, &database::run(&query)),
        // Instead of audit: its callers pass no parameters, so a variable says what to do.
        "events" => match grants::variable("events").as_str() {
            "trap" => misbehave::trap(out, ""),
            "hang" => misbehave::hang(),
            "refuse" => response::status(out, 422),
            _ => response::status(out, 500),
        },
        _ => response::status(out, 404),
    }
}
