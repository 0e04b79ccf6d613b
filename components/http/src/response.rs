//! A response and how it is sent.

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use spin_sdk::http::{Fields, OutgoingResponse, ResponseOutparam};

use crate::clock::Deadline;
use crate::stream::Writer;

/// What a browser may load or run because of a response that sets no policy of its own: nothing.
const NO_CONTENT_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Sent with every response that does not set them itself.
const DEFAULTS: [(&str, &str); 5] = [
    ("cache-control", "no-cache"),
    ("content-security-policy", NO_CONTENT_POLICY),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
];

/// A client that reads nothing for this long is given up.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);

/// A body is written within this time, or cut.
const BODY_PATIENCE: Duration = Duration::from_secs(60);

/// The parts of a streamed body. An error cuts the connection, so that the client sees an incomplete body as such.
pub type Parts<'a> = Box<dyn Iterator<Item = Result<String, Box<dyn Error>>> + 'a>;

enum Body<'a> {
    None,
    Full(Cow<'static, [u8]>),
    Streamed(Parts<'a>),
}

/// Status, headers and body. `'a` is how long the source of a streamed body lives.
pub struct Response<'a> {
    status: u16,
    headers: Vec<(&'static str, Cow<'static, str>)>,
    body: Body<'a>,
}

impl<'a> Response<'a> {
    /// A response without a body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Body::None }
    }

    /// Adds a header. `value` has to be printable ASCII.
    pub fn header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets a body whose length is known.
    pub fn body(mut self, content_type: &'static str, body: impl Into<Cow<'static, [u8]>>) -> Self {
        self.body = Body::Full(body.into());
        self.header("content-type", content_type)
    }

    /// Sets a body of JSON text.
    pub fn json(self, text: String) -> Self {
        self.body("application/json", text.into_bytes())
    }

    /// Sets a body of plain text.
    pub fn text(self, text: String) -> Self {
        self.body("text/plain; charset=utf-8", text.into_bytes())
    }

    /// Sets a body that is made while it is sent: each part is asked for after the one before was written.
    pub fn stream(mut self, content_type: &'static str, parts: Parts<'a>) -> Self {
        self.body = Body::Streamed(parts);
        self.header("content-type", content_type)
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Names and values, in the order they were added.
    pub fn headers(&self) -> &[(&'static str, Cow<'static, str>)] {
        &self.headers
    }

    /// The body; empty if it is streamed.
    pub fn into_bytes(self) -> Cow<'static, [u8]> {
        if let Body::Full(bytes) = self.body { bytes } else { Cow::default() }
    }

    /// Adds the headers that every response carries.
    #[inline]
    pub fn complete(mut self, request_id: &str) -> Self {
        if let Body::Full(body) = &self.body {
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

    /// Sends the response; with `head_only` (for `HEAD`) without its body.
    ///
    /// # Errors
    /// A streamed body that was cut: a part failed, or the client is slow or gone. A client that goes away during a
    /// body of known length is not an error: the host has accepted it, or there is nothing left to do.
    pub(crate) fn send(self, request_id: &str, head_only: bool, out: ResponseOutparam) -> Result<(), Box<dyn Error>> {
        let Self { status, headers, body } = self.complete(request_id);
        let fields: Vec<(String, Vec<u8>)> =
            headers.into_iter().map(|(name, value)| (name.to_owned(), value.into_owned().into_bytes())).collect();
        // Text from a client reaches a header only after it was checked to be printable ASCII.
        let fields = Fields::from_list(&fields).expect("header values are printable ASCII");
        let response = OutgoingResponse::new(fields);
        response.set_status_code(status).expect("the status is a valid one");
        let writer = Writer::new(response.body().expect("the body of a new response was not taken"));
        out.set(response);
        match body {
            _ if head_only => {}
            Body::None => {}
            Body::Full(bytes) if writer.write(&bytes, Deadline::after(WRITE_PATIENCE)).is_err() => return Ok(()),
            Body::Full(_) => {}
            Body::Streamed(parts) => {
                let end = Deadline::after(BODY_PATIENCE);
                for part in parts {
                    writer.write(part?.as_bytes(), Deadline::after(WRITE_PATIENCE).min(end))?;
                }
            }
        }
        writer.finish();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'a>(response: &'a Response, name: &str) -> Vec<&'a str> {
        response.headers.iter().filter(|(present, _)| *present == name).map(|(_, value)| value.as_ref()).collect()
    }

    #[test]
    fn every_response_carries_its_request_id_and_the_security_headers() {
        let response = Response::new(204).complete("r-1");
        assert_eq!(value(&response, "x-request-id"), ["r-1"]);
        for (name, default) in DEFAULTS {
            assert_eq!(value(&response, name), [default]);
        }
        assert!(value(&response, "content-length").is_empty());
    }

    #[test]
    fn a_response_may_set_its_own_policy_and_states_its_length() {
        let response = Response::new(200)
            .header("content-security-policy", "default-src 'self'")
            .text("é".to_owned())
            .complete("r-1");
        assert_eq!(value(&response, "content-security-policy"), ["default-src 'self'"]);
        assert_eq!(value(&response, "content-length"), ["2"]);
    }

    #[test]
    fn a_streamed_body_announces_no_length() {
        let response = Response::new(200).stream("application/json", Box::new(std::iter::empty())).complete("r-1");
        assert!(value(&response, "content-length").is_empty());
    }
}
