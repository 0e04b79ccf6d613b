//! Bodies, lines and what happens after the response.

use crate::misbehave::wait;
use crate::query::Query;
use crate::response::{Body, start, text};
use spin_sdk::http::{Fields, IncomingRequest, ResponseOutparam};
use wasi::io::streams::StreamError;

const MIB: usize = 1 << 20;

/// Sends the request's body back while it arrives.
pub fn echo(request: IncomingRequest, out: ResponseOutparam) {
    let incoming = request.consume().expect("the body is still there");
    let input = incoming.stream().expect("one stream at a time");
    let body = start(out, Fields::new());
    loop {
        match input.blocking_read(64 << 10) {
            Ok(bytes) if body.write(&bytes) => {}
            Err(StreamError::Closed) => return end(body),
            _ => return,
        }
    }
}

/// Writes lines to stdout (`out`) and stderr (`err`); `part` stays without a line break.
pub fn say(response: ResponseOutparam, query: &Query) {
    query.all("out").for_each(|line| println!("{line}"));
    query.all("err").for_each(|line| eprintln!("{line}"));
    print!("{}", query.get("part"));
    if query.number("long") > 0 {
        println!("{}", "x".repeat(query.number("long") as usize));
    }
    text(response, "said");
}

/// Responds with some MiB and logs how much is written.
pub fn stream(out: ResponseOutparam, mib: u64) {
    let body = start(out, Fields::new());
    let chunk = vec![b'x'; MIB];
    for number in 1..=mib {
        if !body.write(&chunk) {
            println!("the reader is gone");
            return;
        }
        println!("written {number} MiB");
    }
    end(body);
}

/// Writes `bytes` of a body whose header announces `length`.
pub fn sized(out: ResponseOutparam, bytes: u64, length: u64) {
    let headers = Fields::from_list(&[("content-length".to_owned(), length.to_string().into_bytes())]);
    let body = start(out, headers.expect("the header is permitted"));
    body.write(&vec![b'x'; bytes as usize]);
    // The host refuses to finish a body that is too short; that is the test.
    let _ = body.finish();
}

/// Ends the response, works on for `ms`, then logs `say`.
pub fn after_response(out: ResponseOutparam, query: &Query) {
    text(out, "answered");
    wait(query.number("ms"));
    println!("after {}", query.get("say"));
}

/// Writes a part of a body and does not finish it: drops it, or (`keep`) returns while it still holds it.
pub fn unfinished(out: ResponseOutparam, keep: bool) {
    let body = start(out, Fields::new());
    body.write(b"part");
    if keep {
        std::mem::forget(body);
    }
}

fn end(body: Body) {
    body.finish().expect("a body without a length can be finished");
}
