//! A request: its head, read once, and its body, read on demand.

use std::time::{Duration, Instant};

use spin_sdk::http::{IncomingRequest, Method as WasiMethod};

use crate::body::Body;
use crate::context::{self, Context};
use crate::error::Error;
use crate::headers::Headers;

/// The methods a route may have; all others are [`Method::Other`].
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
    /// Its name, for a log line: a method that the client invented is not repeated.
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

/// One request as the host passed it to the instance.
pub struct Request {
    pub method: Method,
    /// As sent: nothing decoded, no slash trimmed, so that `/items/%31` and `/items/1/` are not item 1.
    pub path: String,
    /// The segment of the path that stands for `{id}` in its route, undecoded; empty where the route has none.
    pub id: String,
    /// What follows the first `?`.
    pub query: Option<String>,
    pub headers: Headers,
    pub context: Context,
    body: Body,
    received: Instant,
}

impl Request {
    /// Reads the head. The body stays unread until [`Request::json`].
    pub fn receive(incoming: IncomingRequest) -> Self {
        let received = Instant::now();
        let target = incoming.path_with_query().unwrap_or_default();
        let (path, query) = split_target(target);
        let headers = Headers::new(incoming.headers().entries());
        let context = Context::from_headers(&headers, context::uuid);
        let method = incoming.method().into();
        let body = Body::new(incoming, &headers);
        Self { method, path, id: String::new(), query, headers, context, body, received }
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
}
