//! A request: its head, read once, and its body, read on demand.

use std::time::{Duration, Instant};

use spin_sdk::http::{IncomingRequest, Method as WasiMethod};

use crate::Error;
use crate::body::Body;
use crate::context::{self, Context};

/// The methods anything here answers; all others are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Options,
    Other,
}

impl Method {
    /// Its name; for a log line, so a name the client made up is not repeated.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Other => "OTHER",
        }
    }
}

impl From<WasiMethod> for Method {
    fn from(method: WasiMethod) -> Self {
        match method {
            WasiMethod::Get => Self::Get,
            WasiMethod::Head => Self::Head,
            WasiMethod::Post => Self::Post,
            WasiMethod::Put => Self::Put,
            WasiMethod::Delete => Self::Delete,
            WasiMethod::Options => Self::Options,
            _ => Self::Other,
        }
    }
}

/// Header fields in the order they arrived, repeated ones included.
#[derive(Debug, Default)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    pub fn new(fields: Vec<(String, Vec<u8>)>) -> Self {
        Self(fields)
    }

    /// Every value of `name` (lower case).
    pub fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.0.iter().filter(move |(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_slice())
    }

    /// The value of `name` if there is exactly one and it is UTF-8.
    pub fn only(&self, name: &str) -> Option<&str> {
        let mut values = self.all(name);
        let value = values.next()?;
        if values.next().is_some() { None } else { std::str::from_utf8(value).ok() }
    }

    /// The value of `name` that came last, if it is UTF-8.
    pub fn last(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.all(name).last()?).ok()
    }

    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }
}

/// One request as the host handed it over.
pub struct Request {
    pub method: Method,
    /// As sent: nothing decoded, no slash trimmed, so that `/items/%31` and `/items/1/` are not item 1.
    pub path: String,
    /// What follows the first `?`.
    pub query: Option<String>,
    pub headers: Headers,
    body: Body,
    received: Instant,
}

impl Request {
    /// Reads the head and the [`Context`] it carries.
    pub fn receive(incoming: IncomingRequest) -> (Self, Context) {
        let received = Instant::now();
        let target = incoming.path_with_query().unwrap_or_default();
        let (path, query) = split_target(target);
        let headers = Headers::new(incoming.headers().entries());
        let context = Context::from_headers(&headers, context::uuid);
        let method = incoming.method().into();
        let body = Body::new(incoming, &headers);
        (Self { method, path, query, headers, body, received }, context)
    }

    /// Reads the body, which has to be JSON by its header and at most `limit` bytes long.
    ///
    /// # Errors
    /// See [`Body::json`].
    pub fn json(&self, limit: usize) -> Result<Vec<u8>, Error> {
        self.body.json(&self.headers, limit)
    }

    /// See [`Body::discard`].
    pub fn discard_body(&self) {
        self.body.discard();
    }

    /// Time since the request was received.
    pub fn elapsed(&self) -> Duration {
        self.received.elapsed()
    }
}

fn split_target(mut target: String) -> (String, Option<String>) {
    match target.find('?') {
        Some(at) => {
            let query = target.split_off(at).split_off(1);
            (target, Some(query))
        }
        None => (target, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_split_at_the_first_question_mark() {
        for (target, path, query) in [
            ("/items", "/items", None),
            ("/items?", "/items", Some("")),
            ("/items?a=1?b", "/items", Some("a=1?b")),
            ("", "", None),
            ("/%3F", "/%3F", None),
        ] {
            assert_eq!(split_target(target.to_owned()), (path.to_owned(), query.map(str::to_owned)));
        }
    }

    #[test]
    fn header_names_match_in_any_case_and_repeats_are_seen() {
        let headers = Headers::new(vec![
            ("Accept".to_owned(), b"a".to_vec()),
            ("accept".to_owned(), b"b".to_vec()),
            ("x-binary".to_owned(), vec![0xff]),
            ("host".to_owned(), b"h".to_vec()),
        ]);
        assert_eq!(headers.all("accept").collect::<Vec<_>>(), [b"a", b"b"]);
        assert_eq!(headers.only("accept"), None);
        assert_eq!(headers.last("accept"), Some("b"));
        assert_eq!(headers.only("host"), Some("h"));
        assert_eq!(headers.only("x-binary"), None);
        assert!(headers.has("x-binary") && !headers.has("etag"));
    }
}
