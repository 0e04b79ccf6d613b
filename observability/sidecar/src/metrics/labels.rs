//! Label sets whose values are all known in advance: what senders write must not create series.

use std::fmt::{Error, Write};

use http::StatusCode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

use super::known::{METHODS, OTHER, ROUTES, closed, function};

/// A status code in the IANA registry, or `other`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Status(Option<u16>);

impl Status {
    fn new(code: i64) -> Self {
        let code = u16::try_from(code).ok().and_then(|code| StatusCode::from_u16(code).ok());
        Self(code.filter(|code| code.canonical_reason().is_some()).map(|code| code.as_u16()))
    }
}

impl EncodeLabelValue for Status {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> Result<(), Error> {
        match self.0 {
            Some(code) => write!(encoder, "{code}"),
            None => encoder.write_str(OTHER),
        }
    }
}

/// The labels of a request. Their names are those of OpenTelemetry's semantic conventions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Request {
    http_route: &'static str,
    http_request_method: &'static str,
    http_response_status_code: Status,
}

impl Request {
    /// `other` in each label.
    pub const OTHER: Self =
        Self { http_route: OTHER, http_request_method: OTHER, http_response_status_code: Status(None) };

    /// From a span's attributes; `status` is `None` where the span has none.
    pub fn new(route: &[u8], method: &[u8], status: Option<i64>) -> Self {
        Self {
            http_route: closed(&ROUTES, route),
            http_request_method: closed(&METHODS, method),
            http_response_status_code: status.map_or(Status(None), Status::new),
        }
    }
}

/// The labels of an SQL statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Operation {
    operation: &'static str,
    outcome: &'static str,
}

impl Operation {
    /// From the text of the statement and whether it failed.
    pub fn new(sql: &[u8], failed: bool) -> Self {
        Self { operation: function(sql), outcome: if failed { "error" } else { "ok" } }
    }
}

/// The labels of a received export.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Export {
    signal: &'static str,
    code: Status,
}

impl Export {
    /// `signal` is `traces`, `metrics` or `logs`; `code` is the status of the response.
    pub fn new(signal: &'static str, code: StatusCode) -> Self {
        Self { signal, code: Status::new(code.as_u16().into()) }
    }
}

/// The label of an exemplar: the trace that a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Trace {
    trace_id: String,
}

impl Trace {
    /// `None` unless `id` is sixteen bytes that are not all zero (W3C Trace Context).
    pub fn new(id: &[u8]) -> Option<Self> {
        let id = u128::from_be_bytes(id.try_into().ok()?);
        (id != 0).then(|| Self { trace_id: format!("{id:032x}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_a_registered_code_or_other() {
        assert_eq!(Status::new(200), Status(Some(200)));
        assert_eq!(Status::new(422), Status(Some(422)));
        for code in [-1, 0, 99, 299, 600, 65_736, i64::MAX] {
            assert_eq!(Status::new(code), Status(None), "{code}");
        }
    }

    #[test]
    fn a_trace_id_is_sixteen_bytes_and_not_zero() {
        assert_eq!(Trace::new(&[0; 16]), None);
        assert_eq!(Trace::new(&[1; 15]), None);
        assert_eq!(Trace::new(&[0xab; 16]).unwrap().trace_id, "ab".repeat(16));
    }
}
