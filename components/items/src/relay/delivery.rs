//! One request to audit.

use std::time::Duration;

use http_toolkit::clock::Deadline;
use http_toolkit::stream;
use shared::audit_api;
use spin_sdk::http::{ErrorCode, Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme};
use spin_sdk::wit::wasi::http0_2_0::outgoing_handler;

/// Audit has to answer within this time. Raced against a clock, because chaining ignores the timeouts of wasi:http.
const PATIENCE: Duration = Duration::from_secs(1);

/// The most bytes of a response that are read as the reason.
const MAX_REASON: usize = 500;

/// What became of the events of one request.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// Audit has stored them.
    Stored,
    /// Audit refuses them, for this reason: it would refuse them again.
    Refused(String),
    /// It is unknown whether audit has them, for this reason: they are sent again later.
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
    ///
    /// # Errors
    /// If it is missing or not a URL of this form, in words for an operator.
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

    /// Sends a JSON array of events. Audit logs the request under `request_id`, which joins its log line to that of the
    /// request whose instance relays.
    pub fn post(&self, events: &str, request_id: &str) -> Delivery {
        match self.exchange(events.as_bytes(), request_id) {
            Ok((status, reason)) => judge(status, &reason),
            Err(reason) => Delivery::Failed(reason),
        }
    }

    /// The status of the response, and the beginning of its body if it is not a success.
    fn exchange(&self, body: &[u8], request_id: &str) -> Result<(u16, String), String> {
        let deadline = Deadline::after(PATIENCE);
        let request = self.request(body.len(), request_id).ok_or("the request to audit cannot be made")?;
        let outgoing = request.body().map_err(|()| "the request to audit has no body")?;
        let response = outgoing_handler::handle(request, None).map_err(|error| no_answer(&error))?;
        let sent = {
            let stream = outgoing.write().map_err(|()| "the request to audit has no stream")?;
            stream::write(&stream, body, deadline).is_ok()
        };
        // audit may refuse a request before it has read the body. Keep the body open then, so that its response still
        // arrives.
        let unsent = if sent {
            OutgoingBody::finish(outgoing, None).map_err(|error| no_answer(&error))?;
            None
        } else {
            Some(outgoing)
        };
        if !deadline.wait(&response.subscribe()) {
            return Err("audit did not answer within 1 s".to_owned());
        }
        match response.get() {
            Some(Ok(Ok(response))) if response.status() < 300 && unsent.is_some() => {
                Err("audit did not read all events".to_owned())
            }
            Some(Ok(Ok(response))) if response.status() < 300 => Ok((response.status(), String::new())),
            Some(Ok(Ok(response))) => Ok((response.status(), beginning(&response, deadline))),
            Some(Ok(Err(error))) => Err(no_answer(&error)),
            Some(Err(())) | None => Err("the response of audit is missing".to_owned()),
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
        request.set_path_with_query(Some(audit_api::PATH)).ok()?;
        Some(request)
    }
}

/// Why there is no response, in words that help an operator.
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

/// Events are refused only by a status that is about the events themselves. Any other (a wrong address answers 404 to
/// everything) is about audit, and must not cost an event.
#[inline]
pub fn judge(status: u16, reason: &str) -> Delivery {
    match status {
        200..300 => Delivery::Stored,
        400 | 413 | 422 => Delivery::Refused(format!("{status} {reason}")),
        _ => Delivery::Failed(format!("audit answered {status} {reason}")),
    }
}

/// The first bytes of a body, as far as they arrive in time.
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
    fn the_url_of_audit_has_a_scheme_and_a_host_and_no_path() {
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
    fn the_reason_why_audit_is_not_reached_is_in_words() {
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
    fn events_are_refused_only_by_a_status_about_the_events() {
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
