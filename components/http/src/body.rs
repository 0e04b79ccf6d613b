//! Reading a request's body.

use std::cell::OnceCell;
use std::time::Duration;

use spin_sdk::http::IncomingRequest;
use spin_sdk::wit::wasi::http0_2_0::types::IncomingBody;
use wasi::io::streams::{InputStream, StreamError};

use crate::clock::Deadline;
use crate::error::Error;
use crate::headers::Headers;

/// A body has to arrive within this time; the host itself would wait ten minutes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes asked for in one read.
const READ_SIZE: u64 = 64 * 1024;

/// What is left of a refused body is read and dropped up to this many bytes and for at most this long.
const LINGER_BYTES: u64 = 16 * 1024 * 1024;
const LINGER: Duration = Duration::from_secs(2);

/// The body of one request. Nothing is asked of the host before the body is read.
pub struct Body {
    incoming: IncomingRequest,
    /// Its `Content-Length` in bytes, where the head has one.
    announced: Option<u64>,
    opened: OnceCell<Option<Opened>>,
}

struct Opened {
    // Declared first, so dropped first: a body must not be dropped before its stream.
    stream: InputStream,
    _body: IncomingBody,
}

impl Body {
    pub(crate) fn new(incoming: IncomingRequest, headers: &Headers) -> Self {
        let announced = headers.only("content-length").and_then(|length| length.parse().ok());
        Self { incoming, announced, opened: OnceCell::new() }
    }

    /// Reads a JSON body of at most `limit` bytes, stopping at the first byte over it.
    ///
    /// # Errors
    /// Before anything is read: [`Error::Partial`], [`Error::Coded`], [`Error::MediaType`] and, where the head has the
    /// length, [`Error::TooLarge`]. Afterwards [`Error::TooLarge`], [`Error::CutShort`] or [`Error::TooSlow`].
    pub fn json(&self, headers: &Headers, limit: usize) -> Result<Vec<u8>, Error> {
        check_representation(headers)?;
        if self.announced.is_some_and(|length| length > limit as u64) {
            return Err(Error::TooLarge { limit });
        }
        let stream = self.stream().ok_or(Error::CutShort)?;
        let deadline = Deadline::after(PATIENCE);
        let mut bytes = Vec::new();
        // The announced length is the end: one more read to see the stream closed would be a call to the host for
        // nothing.
        while self.announced.is_none_or(|length| length > bytes.len() as u64) {
            match stream.read(READ_SIZE) {
                Ok(chunk) if chunk.is_empty() => {
                    if !deadline.wait(&stream.subscribe()) {
                        return Err(Error::TooSlow);
                    }
                }
                Ok(chunk) if bytes.len() + chunk.len() > limit => {
                    return Err(Error::TooLarge { limit });
                }
                Ok(chunk) if bytes.is_empty() => bytes = chunk,
                Ok(chunk) => bytes.extend_from_slice(&chunk),
                Err(StreamError::Closed) => break,
                Err(StreamError::LastOperationFailed(_)) => return Err(Error::CutShort),
            }
        }
        match self.announced {
            Some(length) if length != bytes.len() as u64 => Err(Error::CutShort),
            _ => Ok(bytes),
        }
    }

    /// Reads and drops what is left of a refused body, after the response. Otherwise Spin closes a connection that has
    /// unread bytes, the client gets a reset while it still sends, and never sees the response (RFC 9112, section 9.6).
    /// The host hides how a body without a length is framed, so it is read to find out whether there is one.
    pub fn discard(&self) {
        let Some(stream) = (self.announced != Some(0)).then(|| self.stream()).flatten() else { return };
        let deadline = Deadline::after(LINGER);
        let mut left = LINGER_BYTES;
        while left > 0 {
            match stream.skip(left) {
                Ok(0) if !deadline.wait(&stream.subscribe()) => return,
                Ok(count) => left -= count,
                Err(_) => return,
            }
        }
    }

    /// `None` when the host does not provide one.
    fn stream(&self) -> Option<&InputStream> {
        let open = || {
            let body = self.incoming.consume().ok()?;
            Some(Opened { stream: body.stream().ok()?, _body: body })
        };
        self.opened.get_or_init(open).as_ref().map(|opened| &opened.stream)
    }
}

/// Accepts `application/json`, alone or with `charset=utf-8`, in any case, whole and without a content coding.
///
/// # Errors
/// [`Error::Partial`], [`Error::Coded`], [`Error::MediaType`]
#[inline]
pub fn check_representation(headers: &Headers) -> Result<(), Error> {
    // RFC 9110, section 14.5: 400 where a part cannot be put.
    if headers.has("content-range") {
        return Err(Error::Partial);
    }
    if !headers.all("content-encoding").all(|coding| coding.eq_ignore_ascii_case(b"identity")) {
        return Err(Error::Coded);
    }
    if headers.only("content-type").is_some_and(is_json) { Ok(()) } else { Err(Error::MediaType) }
}

/// RFC 9110, sections 5.6.6 and 8.3.1: a parameter may be empty, as in `application/json;`.
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim_ascii);
    let essence = parts.next().unwrap_or_default();
    essence.eq_ignore_ascii_case("application/json")
        && parts.filter(|parameter| !parameter.is_empty()).all(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
            name.eq_ignore_ascii_case("charset") && value.eq_ignore_ascii_case("utf-8")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&str, &str)]) -> Headers {
        Headers::new(fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect())
    }

    #[test]
    fn json_is_recognised_by_its_content_type() {
        for accepted in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=UTF-8",
            "application/json ; Charset=\"utf-8\"",
            "application/json;",
            "application/json ; ; charset=utf-8;",
        ] {
            assert!(check_representation(&headers(&[("content-type", accepted)])).is_ok(), "{accepted}");
        }
        for refused in [
            "",
            "text/plain",
            "application/jsonx",
            "application/json; charset=latin1",
            "application/json; charset",
            "application/json; charset = utf-8",
            "application/json; version=1",
            "application/json, text/plain",
            ";",
        ] {
            assert!(check_representation(&headers(&[("content-type", refused)])).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_missing_or_repeated_content_type_and_a_coded_or_partial_body_are_refused() {
        let json = ("content-type", "application/json");
        let check = |fields: &[_]| check_representation(&headers(fields));
        assert!(matches!(check(&[]), Err(Error::MediaType)));
        assert!(matches!(check(&[json, json]), Err(Error::MediaType)));
        assert!(matches!(check(&[json, ("content-encoding", "gzip")]), Err(Error::Coded)));
        assert!(matches!(check(&[json, ("content-range", "bytes 0-1/9")]), Err(Error::Partial)));
        assert!(check(&[json, ("content-encoding", "identity")]).is_ok());
    }
}
