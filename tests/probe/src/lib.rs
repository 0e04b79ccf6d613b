//! A guest that does what the path and query of a request tell it to; tests look at what the host makes of it.
//!
//! `/hello` `/headers` `/echo` answer; `/trap` `/spin-cpu` `/allocate` `/hang` `/exit` `/silent` misbehave; `/env` `/files` `/socket` `/fetch` `/pg` try
//! what may not be granted; `/events` stands in for audit; `/stream` `/unfinished-body` `/left-body` `/after-response` `/wait` `/say` are about the order of things.
#![cfg(target_family = "wasm")]

mod answer;
mod bindings;
mod database;
mod fetch;
mod grants;
mod misbehave;
mod query;
mod streams;

use answer::text;
use query::Query;
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
        "status" => answer::status(out, query.number("code")),
        "headers" => text(out, &answer::describe(&request)),
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
        "error" => answer::error(out),
        "env" => text(out, &grants::environment()),
        "files" => text(out, &grants::file(query.get("path"))),
        "socket" => text(out, &grants::socket(query.number("port"))),
        "lookup" => text(out, &grants::lookup(query.get("name"))),
        "variable" => text(out, &grants::variable(query.get("name"))),
        "fetch" => text(out, &fetch::fetch(&query)),
        "forward" => text(out, &fetch::forward(request, query.get("url"))),
        "pg" => text(out, &database::run(&query)),
        // In the place of the audit service, whose callers can tell it nothing else.
        "events" => match grants::variable("events").as_str() {
            "trap" => misbehave::trap(out, ""),
            "hang" => misbehave::hang(),
            "refuse" => answer::status(out, 422),
            _ => answer::status(out, 500),
        },
        _ => answer::status(out, 404),
    }
}
