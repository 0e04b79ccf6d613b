//! Spans, as far as the sidecar reads them. Field numbers are those of `opentelemetry/proto/trace/v1/trace.proto`.

use super::attribute::{Attribute, key_value};
use super::wire::{Fields, Malformed, messages};

/// `SpanKind`.
const SERVER: u64 = 2;
const CLIENT: u64 = 3;
/// `Status.StatusCode`.
const STATUS_ERROR: u64 = 2;

/// Spin's name for the span of waiting for a pooled connection. Its other PostgreSQL spans are named by their
/// statement.
const OPEN: &[u8] = b"spin_outbound_pg.open";

/// No request and no statement of this application lasts an hour.
const LONGEST_SECONDS: u64 = 3600;

/// A span. What its sender left out has the default value.
#[derive(Debug, Default, PartialEq)]
pub struct Span<'a> {
    /// Sixteen bytes in a well-formed span.
    pub trace_id: &'a [u8],
    /// The text of the statement, where the span is about one.
    pub name: &'a [u8],
    /// Whether the span's status is an error.
    pub failed: bool,
    /// `http.request.method`
    pub method: Attribute<'a>,
    /// `error.type`
    pub error: Attribute<'a>,
    route: Attribute<'a>,
    /// `http.response.status_code`
    pub status: Attribute<'a>,
    kind: u64,
    start: u64,
    end: u64,
    system: Attribute<'a>,
}

/// What a span measures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Subject {
    /// A request from outside. Chaining to another component makes no server span.
    Request,
    /// The wait for a connection to PostgreSQL.
    Connection,
    /// An SQL statement.
    Operation,
}

impl<'a> Span<'a> {
    fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut span = Self::default();
        for field in Fields::of(message) {
            match field? {
                (1, value) => span.trace_id = value.bytes()?,
                (5, value) => span.name = value.bytes()?,
                (6, value) => span.kind = value.varint()?,
                (7, value) => span.start = value.fixed64()?,
                (8, value) => span.end = value.fixed64()?,
                (9, value) => span.attribute(value.bytes()?)?,
                (15, value) => span.status(value.bytes()?)?,
                _ => {}
            }
        }
        Ok(span)
    }

    fn attribute(&mut self, message: &'a [u8]) -> Result<(), Malformed> {
        let (key, value) = key_value(message)?;
        match key {
            b"http.request.method" => self.method = value,
            b"http.route" => self.route = value,
            b"http.response.status_code" => self.status = value,
            b"error.type" => self.error = value,
            b"db.system" => self.system = value,
            _ => {}
        }
        Ok(())
    }

    fn status(&mut self, message: &[u8]) -> Result<(), Malformed> {
        for field in Fields::of(message) {
            if let (3, code) = field? {
                self.failed = code.varint()? == STATUS_ERROR;
            }
        }
        Ok(())
    }

    /// `None` when it measures nothing that the sidecar exposes.
    pub fn subject(&self) -> Option<Subject> {
        match self.kind {
            SERVER if self.method != Attribute::None => Some(Subject::Request),
            CLIENT if self.system.text() != b"postgresql" => None,
            CLIENT if self.name == OPEN => Some(Subject::Connection),
            CLIENT => Some(Subject::Operation),
            _ => None,
        }
    }

    /// `http.route` of a request that reached a component. Spin answers 500 if a header value is not UTF-8, as it does
    /// without a host, and only for the latter leaves the route out; the cause is the text of Rust's `Utf8Error`.
    pub fn route(&self) -> &'a [u8] {
        let cause = self.error.text();
        let refused = [&b"invalid utf-8 sequence"[..], b"incomplete utf-8 byte sequence"];
        if refused.iter().any(|text| cause.starts_with(text)) { b"" } else { self.route.text() }
    }

    /// From start to end, in seconds.
    ///
    /// # Errors
    /// When the times cannot be right.
    pub fn duration(&self) -> Result<f64, BadTime> {
        if self.start == 0 || self.end == 0 {
            return Err(BadTime::Missing);
        }
        let nanoseconds = self.end.checked_sub(self.start).ok_or(BadTime::Negative)?;
        if nanoseconds > LONGEST_SECONDS * 1_000_000_000 {
            return Err(BadTime::Absurd);
        }
        Ok(nanoseconds as f64 / 1e9)
    }
}

/// Why a span is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadTime {
    /// No start or no end.
    Missing,
    /// The end is before the start.
    Negative,
    /// Longer than anything this application does.
    Absurd,
}

impl BadTime {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::Missing, Self::Negative, Self::Absurd];

    /// The value of the label `reason`.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Missing => "no_time",
            Self::Negative => "negative_duration",
            Self::Absurd => "absurd_duration",
        }
    }
}

/// Calls `each` with every span of an `ExportTraceServiceRequest`.
///
/// # Errors
/// At the first field that is malformed, after calling `each` for the spans before it.
pub fn each<'a>(request: &'a [u8], mut each: impl FnMut(Span<'a>)) -> Result<(), Malformed> {
    for resource_spans in messages(request, 1) {
        for scope_spans in messages(resource_spans?, 2) {
            for span in messages(scope_spans?, 2) {
                each(Span::read(span?)?);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn lasting(start: u64, end: u64) -> Result<f64, BadTime> {
        Span { start, end, ..Span::default() }.duration()
    }

    #[test]
    fn a_duration_that_cannot_be_right_is_rejected_with_a_reason() {
        assert_eq!(lasting(1_000, 1_500_001_000), Ok(1.5));
        assert_eq!(lasting(5, 5), Ok(0.0));
        assert_eq!(lasting(1, 3_600_000_000_001), Ok(3600.0));
        assert_eq!(lasting(0, 5), Err(BadTime::Missing));
        assert_eq!(lasting(5, 0), Err(BadTime::Missing));
        assert_eq!(lasting(6, 5), Err(BadTime::Negative));
        assert_eq!(lasting(1, u64::MAX), Err(BadTime::Absurd));
    }

    #[test]
    fn only_http_server_spans_are_requests() {
        let (get, postgresql) = (Attribute::Text(b"GET"), Attribute::Text(b"postgresql"));
        let span = |kind, method, system, name| Span { kind, method, system, name, ..Span::default() };
        for (span, subject) in [
            (span(SERVER, get, Attribute::None, &b"GET /items"[..]), Some(Subject::Request)),
            (span(CLIENT, get, Attribute::None, b"POST"), None),
            (span(SERVER, Attribute::None, Attribute::None, b"message"), None),
            (span(1, Attribute::None, Attribute::None, b"execute_wasm_component audit"), None),
            (span(CLIENT, Attribute::None, postgresql, OPEN), Some(Subject::Connection)),
            (span(CLIENT, Attribute::None, postgresql, b"SELECT 1"), Some(Subject::Operation)),
            (span(CLIENT, Attribute::None, Attribute::Text(b"redis"), OPEN), None),
        ] {
            assert_eq!(span.subject(), subject, "{span:?}");
        }
    }
}
