//! An answer and how it leaves.

use std::borrow::Cow;
use std::time::Duration;

use spin_sdk::http::{Fields, OutgoingResponse, ResponseOutparam};

use crate::clock::Deadline;
use crate::stream::Writer;

/// What a browser may do with anything that is not the page: nothing.
const NO_CONTENT_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Sent with every answer that does not set them itself.
const DEFAULTS: [(&str, &str); 5] = [
    ("cache-control", "no-cache"),
    ("content-security-policy", NO_CONTENT_POLICY),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
];

/// The host buffers this much without waiting for the client; only an answer beyond it can meet this deadline.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, PartialEq)]
pub struct Response {
    status: u16,
    headers: Vec<(&'static str, Cow<'static, str>)>,
    body: Option<Cow<'static, [u8]>>,
}

impl Response {
    /// No body yet, and none announced.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: None }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn body(mut self, content_type: &'static str, body: impl Into<Cow<'static, [u8]>>) -> Self {
        self.body = Some(body.into());
        self.header("content-type", content_type)
    }

    pub fn json(self, text: String) -> Self {
        self.body("application/json", text.into_bytes())
    }

    pub fn text(self, text: String) -> Self {
        self.body("text/plain; charset=utf-8", text.into_bytes())
    }

    pub fn status(&self) -> u16 {
        self.status
    }

    pub fn headers(&self) -> &[(&'static str, Cow<'static, str>)] {
        &self.headers
    }

    /// Adds what every answer carries.
    fn complete(mut self, request_id: &str) -> Self {
        if let Some(body) = &self.body {
            let length = body.len().to_string();
            self = self.header("content-length", length);
        }
        for (name, value) in DEFAULTS {
            if !self.headers.iter().any(|(present, _)| *present == name) {
                self = self.header(name, value);
            }
        }
        self.header("x-request-id", request_id.to_owned())
    }

    /// Sends the answer; with `head_only` (the answer to `HEAD`) all of it but the body.
    ///
    /// A client that has gone is not an error here: nothing is left to do for it.
    pub fn send(self, request_id: &str, head_only: bool, out: ResponseOutparam) {
        let mut response = self.complete(request_id);
        let body = response.body.take();
        let writer = response.set(out);
        match body {
            Some(body) if !head_only => {
                if writer.write(&body, Deadline::after(PATIENCE)).is_ok() {
                    writer.finish();
                }
            }
            _ => writer.finish(),
        }
    }

    /// Sends the head; the body follows through the writer.
    pub fn open(self, request_id: &str, out: ResponseOutparam) -> Writer {
        self.complete(request_id).set(out)
    }

    fn set(self, out: ResponseOutparam) -> Writer {
        let fields: Vec<(String, Vec<u8>)> =
            self.headers.into_iter().map(|(name, value)| (name.to_owned(), value.into_owned().into_bytes())).collect();
        // Nothing a caller sends reaches a header unless it was checked to be printable ASCII.
        let fields = Fields::from_list(&fields).expect("header values are printable ASCII");
        let response = OutgoingResponse::new(fields);
        response.set_status_code(self.status).expect("the status is a valid one");
        let body = response.body().expect("the body of a new response was not taken");
        out.set(response);
        Writer::new(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'a>(response: &'a Response, name: &str) -> Vec<&'a str> {
        response.headers.iter().filter(|(present, _)| *present == name).map(|(_, value)| value.as_ref()).collect()
    }

    #[test]
    fn every_answer_carries_its_request_id_and_the_security_headers() {
        let response = Response::new(204).complete("r-1");
        assert_eq!(value(&response, "x-request-id"), ["r-1"]);
        for (name, default) in DEFAULTS {
            assert_eq!(value(&response, name), [default]);
        }
        assert!(value(&response, "content-length").is_empty());
    }

    #[test]
    fn an_answer_may_set_its_own_policy_and_states_its_length() {
        let response = Response::new(200)
            .header("content-security-policy", "default-src 'self'")
            .text("é".to_owned())
            .complete("r-1");
        assert_eq!(value(&response, "content-security-policy"), ["default-src 'self'"]);
        assert_eq!(value(&response, "content-length"), ["2"]);
    }
}
