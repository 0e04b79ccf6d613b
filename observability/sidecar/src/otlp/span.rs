//! A span, as far as the sidecar reads it. Field numbers are those of `opentelemetry/proto/trace/v1/trace.proto`.

use super::wire::{Fields, Malformed, Value, messages};

/// `SpanKind`.
const SERVER: u64 = 2;
const CLIENT: u64 = 3;
/// `Status.StatusCode`.
const STATUS_ERROR: u64 = 2;

/// How Spin names the span that waits for a connection of its pool; the others of PostgreSQL are named by their statement.
const OPEN: &[u8] = b"spin_outbound_pg.open";

/// The value of an attribute. Spin writes some numbers as text.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Attribute<'a> {
    #[default]
    None,
    Text(&'a [u8]),
    Number(i64),
}

impl<'a> Attribute<'a> {
    pub fn text(self) -> &'a [u8] {
        match self {
            Self::Text(text) => text,
            Self::None | Self::Number(_) => b"",
        }
    }

    pub fn number(self) -> Option<i64> {
        match self {
            Self::None => None,
            Self::Text(text) => str::from_utf8(text).ok()?.parse().ok(),
            Self::Number(number) => Some(number),
        }
    }

    /// An `AnyValue`; what is neither text nor a number counts as none.
    fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut attribute = Self::None;
        for field in Fields::of(message) {
            attribute = match field? {
                (1, text) => Self::Text(text.bytes()?),
                (2, Value::Varint(1)) => Self::Text(b"true"),
                (2, Value::Varint(_)) => Self::Text(b"false"),
                (3, number) => Self::Number(number.varint()?.cast_signed()),
                _ => Self::None,
            };
        }
        Ok(attribute)
    }
}

/// A `KeyValue`.
pub fn key_value(message: &[u8]) -> Result<(&[u8], Attribute<'_>), Malformed> {
    let (mut key, mut value) = (&b""[..], Attribute::None);
    for field in Fields::of(message) {
        match field? {
            (1, found) => key = found.bytes()?,
            (2, found) => value = Attribute::read(found.bytes()?)?,
            _ => {}
        }
    }
    Ok((key, value))
}

#[derive(Debug, Default, PartialEq)]
pub struct Span<'a> {
    pub trace_id: &'a [u8],
    pub name: &'a [u8],
    pub failed: bool,
    pub method: Attribute<'a>,
    pub route: Attribute<'a>,
    pub status: Attribute<'a>,
    kind: u64,
    start: u64,
    end: u64,
    system: Attribute<'a>,
}

/// What a span tells about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Subject {
    /// A request from outside. A call chained to another component has no server span.
    Request,
    /// Waiting for a connection to PostgreSQL.
    Connection,
    /// A statement.
    Operation,
    /// Nothing that is measured here.
    Nothing,
}

impl<'a> Span<'a> {
    pub fn read(message: &'a [u8]) -> Result<Self, Malformed> {
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

    pub fn subject(&self) -> Subject {
        match self.kind {
            SERVER if self.method != Attribute::None => Subject::Request,
            CLIENT if self.system.text() == b"postgresql" && self.name == OPEN => Subject::Connection,
            CLIENT if self.system.text() == b"postgresql" => Subject::Operation,
            _ => Subject::Nothing,
        }
    }

    /// In seconds.
    ///
    /// # Errors
    /// Why it cannot be believed.
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

/// No request and no statement of this application lasts an hour.
const LONGEST_SECONDS: u64 = 3600;

/// Why a span is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadTime {
    Missing,
    Negative,
    Absurd,
}

impl BadTime {
    pub const ALL: [Self; 3] = [Self::Missing, Self::Negative, Self::Absurd];

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
/// At the first thing that is not protobuf; `each` has then been called for the spans before it.
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
    fn a_duration_that_cannot_be_believed_has_a_reason() {
        assert_eq!(lasting(1_000, 1_500_001_000), Ok(1.5));
        assert_eq!(lasting(5, 5), Ok(0.0));
        assert_eq!(lasting(1, 3_600_000_000_001), Ok(3600.0));
        assert_eq!(lasting(0, 5), Err(BadTime::Missing));
        assert_eq!(lasting(5, 0), Err(BadTime::Missing));
        assert_eq!(lasting(6, 5), Err(BadTime::Negative));
        assert_eq!(lasting(1, u64::MAX), Err(BadTime::Absurd));
    }

    #[test]
    fn only_server_spans_of_http_are_requests() {
        let (get, postgresql) = (Attribute::Text(b"GET"), Attribute::Text(b"postgresql"));
        let span = |kind, method, system, name| Span { kind, method, system, name, ..Span::default() };
        for (span, subject) in [
            (span(SERVER, get, Attribute::None, &b"GET /items"[..]), Subject::Request),
            (span(CLIENT, get, Attribute::None, b"POST"), Subject::Nothing),
            (span(SERVER, Attribute::None, Attribute::None, b"message"), Subject::Nothing),
            (span(1, Attribute::None, Attribute::None, b"execute_wasm_component audit"), Subject::Nothing),
            (span(CLIENT, Attribute::None, postgresql, OPEN), Subject::Connection),
            (span(CLIENT, Attribute::None, postgresql, b"SELECT 1"), Subject::Operation),
            (span(CLIENT, Attribute::None, Attribute::Text(b"redis"), OPEN), Subject::Nothing),
        ] {
            assert_eq!(span.subject(), subject, "{span:?}");
        }
    }

    #[test]
    fn a_number_may_come_as_text() {
        assert_eq!(Attribute::Text(b"404").number(), Some(404));
        assert_eq!(Attribute::Number(404).number(), Some(404));
        assert_eq!(Attribute::Text(b"\xff").number(), None);
        assert_eq!(Attribute::None.number(), None);
    }
}
