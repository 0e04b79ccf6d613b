//! One request to audit.

use std::time::Duration;

use shared::clock::Deadline;
use shared::{event, stream};
use spin_sdk::http::{ErrorCode, Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme};
use spin_sdk::wit::wasi::http0_2_0::outgoing_handler;

/// Audit answers within this time. Raced against a clock, because a chained call honours no time-out of wasi:http.
const PATIENCE: Duration = Duration::from_secs(1);

/// Bytes of an answer that are read for a reason.
const MAX_REASON: usize = 500;

/// What became of the events of one request.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// Audit has them.
    Stored,
    /// Audit will not have them, for the reason given: sending the same again is no use.
    Refused(String),
    /// Unknown: to be sent again later.
    Failed(String),
}

/// Where audit is.
#[derive(Debug, PartialEq)]
pub struct Audit {
    https: bool,
    authority: String,
}

impl Audit {
    /// Reads the component variable `audit_url`.
    pub fn from_variable() -> Result<Self, String> {
        let url = spin_sdk::variables::get("audit_url").map_err(|_| "cannot read the variable audit_url".to_owned())?;
        Self::parse(&url).ok_or_else(|| "audit_url must be http://HOST[:PORT] or https://HOST[:PORT]".to_owned())
    }

    fn parse(url: &str) -> Option<Self> {
        let (scheme, authority) = url.split_once("://")?;
        let https = match scheme {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        (!authority.is_empty() && authority.bytes().all(plain)).then(|| Self { https, authority: authority.to_owned() })
    }

    /// Sends a JSON array of events. Audit logs the request under `request_id`, so that its line can be joined to
    /// the request that relays.
    pub fn post(&self, events: &str, request_id: &str) -> Delivery {
        match self.exchange(events.as_bytes(), request_id) {
            Ok((status, answer)) => judge(status, &answer),
            Err(reason) => Delivery::Failed(reason),
        }
    }

    /// The status of the answer, and the beginning of its body where it is not a success.
    fn exchange(&self, body: &[u8], request_id: &str) -> Result<(u16, String), String> {
        let deadline = Deadline::after(PATIENCE);
        let request = self.request(body.len(), request_id).ok_or("the request to audit cannot be made")?;
        let outgoing = request.body().map_err(|()| "the request to audit has no body")?;
        let answer = outgoing_handler::handle(request, None).map_err(|error| no_answer(&error))?;
        let read = {
            let stream = outgoing.write().map_err(|()| "the request to audit has no stream")?;
            stream::write(&stream, body, deadline).is_ok()
        };
        // Whoever refuses a body may do so without reading it: then its answer counts, and dropping the body would forgo it.
        let unread = if read {
            OutgoingBody::finish(outgoing, None).map_err(|error| no_answer(&error))?;
            None
        } else {
            Some(outgoing)
        };
        if !deadline.wait(&answer.subscribe()) {
            return Err("audit did not answer within 1 s".to_owned());
        }
        match answer.get() {
            Some(Ok(Ok(response))) if response.status() < 300 && unread.is_some() => {
                Err("audit did not read all events".to_owned())
            }
            Some(Ok(Ok(response))) if response.status() < 300 => Ok((response.status(), String::new())),
            Some(Ok(Ok(response))) => Ok((response.status(), beginning(&response, deadline))),
            Some(Ok(Err(error))) => Err(no_answer(&error)),
            Some(Err(())) | None => Err("the answer of audit is not there".to_owned()),
        }
    }

    fn request(&self, length: usize, request_id: &str) -> Option<OutgoingRequest> {
        let fields = Fields::from_list(&[
            ("content-type".to_owned(), b"application/json".to_vec()),
            ("content-length".to_owned(), length.to_string().into_bytes()),
            ("x-request-id".to_owned(), request_id.as_bytes().to_vec()),
        ])
        .ok()?;
        let request = OutgoingRequest::new(fields);
        request.set_method(&Method::Post).ok()?;
        request.set_scheme(Some(if self.https { &Scheme::Https } else { &Scheme::Http })).ok()?;
        request.set_authority(Some(&self.authority)).ok()?;
        request.set_path_with_query(Some(event::PATH)).ok()?;
        Some(request)
    }
}

/// Why no answer came, in words that tell an operator what to fix.
fn no_answer(error: &ErrorCode) -> String {
    let reason = match error {
        ErrorCode::HttpRequestDenied => "allowed_outbound_hosts does not name audit_url",
        ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => "its host name is not known",
        ErrorCode::ConnectionRefused => "connection refused",
        ErrorCode::ConnectionTerminated | ErrorCode::HttpResponseIncomplete => "connection closed",
        ErrorCode::ConnectionTimeout | ErrorCode::ConnectionReadTimeout | ErrorCode::ConnectionWriteTimeout => {
            "timed out"
        }
        ErrorCode::TlsProtocolError | ErrorCode::TlsCertificateError | ErrorCode::TlsAlertReceived(_) => "TLS failed",
        ErrorCode::InternalError(Some(text)) => text,
        _ => "the request failed",
    };
    format!("audit cannot be reached: {reason}")
}

/// Only an answer that speaks of the events themselves refuses them. Anything else (a wrong address answers 404 to all) says
/// something about audit, and must not cost an event.
fn judge(status: u16, answer: &str) -> Delivery {
    match status {
        200..300 => Delivery::Stored,
        400 | 413 | 422 => Delivery::Refused(format!("{status} {answer}")),
        _ => Delivery::Failed(format!("audit answered {status} {answer}")),
    }
}

/// The first bytes of a body, as far as they come in time.
fn beginning(response: &IncomingResponse, deadline: Deadline) -> String {
    let mut bytes = Vec::new();
    if let Ok(body) = response.consume()
        && let Ok(stream) = body.stream()
    {
        while bytes.len() < MAX_REASON {
            match stream.read(MAX_REASON as u64) {
                Ok(chunk) if chunk.is_empty() && !deadline.wait(&stream.subscribe()) => break,
                Ok(chunk) => bytes.extend_from_slice(&chunk),
                Err(_) => break,
            }
        }
    }
    bytes.truncate(MAX_REASON);
    let end = std::str::from_utf8(&bytes).map_or_else(|error| error.valid_up_to(), str::len);
    bytes.truncate(end);
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audit_has_an_address_without_a_path() {
        for (url, https, authority) in [
            ("http://audit.spin.internal", false, "audit.spin.internal"),
            ("http://127.0.0.1:3001/", false, "127.0.0.1:3001"),
            ("https://[::1]:8443", true, "[::1]:8443"),
        ] {
            assert_eq!(Audit::parse(url), Some(Audit { https, authority: authority.to_owned() }));
        }
        for url in [
            "",
            "audit",
            "http://",
            "ftp://audit",
            "http://audit/events",
            "http://user@audit",
            "http://a b",
            "http://audit?x",
        ] {
            assert_eq!(Audit::parse(url), None, "{url}");
        }
    }

    #[test]
    fn an_operator_reads_in_words_why_audit_does_not_answer() {
        for (error, reason) in [
            (ErrorCode::ConnectionRefused, "connection refused"),
            (ErrorCode::HttpRequestDenied, "allowed_outbound_hosts does not name audit_url"),
            (ErrorCode::InternalError(Some("no route".to_owned())), "no route"),
            (ErrorCode::InternalError(None), "the request failed"),
        ] {
            assert_eq!(no_answer(&error), format!("audit cannot be reached: {reason}"));
        }
    }

    #[test]
    fn only_what_speaks_of_the_events_refuses_them() {
        for status in [200, 204] {
            assert_eq!(judge(status, ""), Delivery::Stored);
        }
        for status in [400, 413, 422] {
            assert!(matches!(judge(status, "why"), Delivery::Refused(reason) if reason.ends_with("why")), "{status}");
        }
        for status in [301, 401, 403, 404, 405, 408, 415, 429, 500, 503] {
            assert!(matches!(judge(status, ""), Delivery::Failed(_)), "{status}");
        }
    }
}
