//! Outgoing HTTP calls.

use crate::query::Query;
use spin_sdk::http::IncomingRequest;
use std::time::Duration;
use wasi::http::outgoing_handler::{ErrorCode, OutgoingRequest, RequestOptions, handle};
use wasi::http::types::{Fields, IncomingResponse, OutgoingBody, Scheme};
use wasi::io::streams::StreamError;

/// Calls `url` and reports status and body, or the error. `body` makes it a POST; `timeout_ms` limits the wait for the
/// first byte; `odd` adds a header value that is not UTF-8.
pub fn fetch(query: &Query) -> String {
    let options = RequestOptions::new();
    if query.number("timeout_ms") > 0 {
        let limit = Duration::from_millis(query.number("timeout_ms")).as_nanos() as u64;
        options.set_first_byte_timeout(Some(limit)).expect("the interface has this timeout");
    }
    let headers = Fields::new();
    if query.number("odd") > 0 {
        headers.append(&"x-odd".to_owned(), &b"\xff".to_vec()).expect("the interface takes any bytes");
    }
    report(call(query.get("url"), headers, query.all("body").next(), options))
}

/// Calls `url` with the headers of `request`.
pub fn forward(request: IncomingRequest, url: &str) -> String {
    let headers = Fields::new();
    for (name, value) in request.headers().entries() {
        // Names that a component may not set are left out.
        let _ = headers.append(&name, &value);
    }
    report(call(url, headers, None, RequestOptions::new()))
}

fn report(result: Result<String, ErrorCode>) -> String {
    result.unwrap_or_else(|code| format!("error: {code:?}"))
}

fn call(url: &str, headers: Fields, content: Option<&str>, options: RequestOptions) -> Result<String, ErrorCode> {
    let request = OutgoingRequest::new(headers);
    address(&request, url);
    let body = request.body().expect("a new request has a body");
    if content.is_some() {
        request.set_method(&wasi::http::types::Method::Post).expect("POST is a method");
    }
    let response = handle(request, Some(options))?;
    if let Some(content) = content {
        let stream = body.write().expect("one stream at a time");
        let _ = stream.blocking_write_and_flush(content.as_bytes());
    }
    OutgoingBody::finish(body, None)?;
    response.subscribe().block();
    let response = response.get().expect("the response is ready").expect("it is taken once")?;
    Ok(format!("{} {}", response.status(), read(&response)?))
}

fn address(request: &OutgoingRequest, url: &str) {
    let (scheme, rest) = match url.split_once("://") {
        Some(("http", rest)) => (Some(Scheme::Http), rest),
        Some(("https", rest)) => (Some(Scheme::Https), rest),
        Some((other, rest)) => (Some(Scheme::Other(other.to_owned())), rest),
        None => (None, url),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    request.set_scheme(scheme.as_ref()).expect("the scheme must be valid");
    if !authority.is_empty() {
        request.set_authority(Some(authority)).expect("the authority must be valid");
    }
    request.set_path_with_query(Some(path)).expect("the path must be valid");
}

fn read(response: &IncomingResponse) -> Result<String, ErrorCode> {
    let body = response.consume().expect("the body is still there");
    let stream = body.stream().expect("one stream at a time");
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(part) => bytes.extend(part),
            Err(StreamError::Closed) => return Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(StreamError::LastOperationFailed(error)) => {
                let code = wasi::http::types::http_error_code(&error);
                return Err(code.unwrap_or(ErrorCode::InternalError(Some(error.to_debug_string()))));
            }
        }
    }
}
