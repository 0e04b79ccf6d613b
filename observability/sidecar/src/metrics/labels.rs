//! Every label takes its value from a closed set. Whatever is not in it is [`OTHER`]: what others send must not make series.

use std::fmt::{Error, Write};

use http::StatusCode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

pub const OTHER: &str = "other";

/// The routes of `spin.toml`.
pub const ROUTES: [&str; 7] = ["/", "/items", "/items/:id", "/livez", "/readyz", "/openapi.json", "/..."];

/// RFC 9110, section 9, and PATCH (RFC 5789).
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// The functions that the roles of the two services may call (`schema/007_grants.sql`).
pub const FUNCTIONS: [&str; 15] = [
    "items_create",
    "items_get",
    "items_list",
    "items_stream",
    "items_chunk",
    "items_update",
    "items_delete",
    "items_ready",
    "relay_take",
    "relay_next",
    "relay_release",
    "relay_fail",
    "relay_refuse",
    "audit_store",
    "audit_ready",
];

/// The tables of the schema.
pub const TABLES: [&str; 7] =
    ["items", "idempotency", "audit_outbox", "relay_lease", "audit_refused", "audit_logs", "audit_totals"];

/// The roles that log in.
pub const ROLES: [&str; 3] = ["items", "audit", "metrics"];

/// Each operation with the outcomes it can have.
pub const OPERATIONS: [(&str, &[&str]); 5] = [
    ("create", &["ok", "replayed", "key_conflict"]),
    ("list", &["ok"]),
    ("get", &["ok", "not_modified", "not_found"]),
    ("update", &["ok", "not_found", "precondition_failed"]),
    ("delete", &["ok", "not_found", "precondition_failed"]),
];

/// The member of `set` that equals `value`, or [`OTHER`].
pub fn closed(set: &[&'static str], value: &[u8]) -> &'static str {
    set.iter().find(|known| known.as_bytes() == value).copied().unwrap_or(OTHER)
}

/// The first known function that an SQL statement calls.
pub fn function(sql: &[u8]) -> &'static str {
    sql.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
        .filter(|word| {
            // `split` gives parts of `sql` itself, so what follows a word is where the word ends.
            let end = word.as_ptr_range().end as usize - sql.as_ptr() as usize;
            sql.get(end) == Some(&b'(')
        })
        .map(|word| closed(&FUNCTIONS, word))
        .find(|function| *function != OTHER)
        .unwrap_or(OTHER)
}

/// A status code that has a name in the IANA registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Status(Option<u16>);

impl Status {
    pub const OTHER: Self = Self(None);

    pub fn new(code: i64) -> Self {
        let known = u16::try_from(code)
            .ok()
            .and_then(|code| StatusCode::from_u16(code).ok())
            .filter(|status| status.canonical_reason().is_some());
        Self(known.map(|status| status.as_u16()))
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

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Request {
    http_route: &'static str,
    http_request_method: &'static str,
    http_response_status_code: Status,
}

impl Request {
    pub const OTHER: Self =
        Self { http_route: OTHER, http_request_method: OTHER, http_response_status_code: Status::OTHER };

    pub fn new(route: &[u8], method: &[u8], status: Status) -> Self {
        Self {
            http_route: closed(&ROUTES, route),
            http_request_method: closed(&METHODS, method),
            http_response_status_code: status,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Operation {
    operation: &'static str,
    outcome: &'static str,
}

impl Operation {
    pub fn new(sql: &[u8], failed: bool) -> Self {
        Self { operation: function(sql), outcome: if failed { "error" } else { "ok" } }
    }
}

/// What an exemplar carries: the trace to look at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Trace {
    trace_id: String,
}

impl Trace {
    /// `None` unless it is a trace id: sixteen bytes, not all zero (W3C Trace Context).
    pub fn new(id: &[u8]) -> Option<Self> {
        let id: [u8; 16] = id.try_into().ok()?;
        let number = u128::from_be_bytes(id);
        (number != 0).then(|| Self { trace_id: format!("{number:032x}") })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn repository(file: &str) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    fn sorted<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        let mut words: Vec<_> = words.into_iter().collect();
        words.sort_unstable();
        words
    }

    #[test]
    fn the_routes_are_those_of_the_manifest() {
        let manifest = repository("spin.toml");
        let routes = manifest.lines().filter_map(|line| line.strip_prefix("route = \"")?.strip_suffix('"'));
        assert_eq!(sorted(routes), sorted(ROUTES));
    }

    #[test]
    fn the_functions_are_those_granted_to_the_services() {
        let grants = repository("schema/007_grants.sql");
        let granted = grants.split(';').filter_map(|statement| {
            let (functions, role) = statement.split_once("GRANT EXECUTE ON FUNCTION")?.1.rsplit_once("TO ")?;
            ["items", "audit"].contains(&role.trim()).then_some(functions)
        });
        let granted = granted.flat_map(|list| list.split(',').map(str::trim));
        assert_eq!(sorted(granted), sorted(FUNCTIONS));
    }

    #[test]
    fn the_tables_are_those_of_the_schema() {
        let schema = repository("schema/002_tables.sql");
        let tables =
            schema.lines().filter_map(|line| line.strip_prefix("CREATE TABLE IF NOT EXISTS ")?.strip_suffix(" ("));
        assert_eq!(sorted(tables), sorted(TABLES));
    }

    #[test]
    fn an_operation_is_the_function_called() {
        for (sql, expected) in [
            ("SELECT outcome, id, item, relay FROM items_create($1, $2)", "items_create"),
            ("SELECT audit_store($1)", "audit_store"),
            ("SELECT seqs, events FROM relay_next ($1)", OTHER),
            ("SELECT items FROM public.items_list($1)", "items_list"),
            ("SELECT coalesce(x, 1) FROM items_get($1)", "items_get"),
            ("SELECT my_items_get($1)", OTHER),
            ("SELECT items_get", OTHER),
            ("", OTHER),
        ] {
            assert_eq!(function(sql.as_bytes()), expected, "{sql}");
        }
    }

    #[test]
    fn a_status_is_a_registered_code_or_other() {
        assert_eq!(Status::new(200), Status(Some(200)));
        assert_eq!(Status::new(422), Status(Some(422)));
        for code in [-1, 0, 99, 299, 600, 65_736, i64::MAX] {
            assert_eq!(Status::new(code), Status::OTHER, "{code}");
        }
    }

    #[test]
    fn a_trace_id_is_sixteen_bytes_and_not_zero() {
        assert_eq!(Trace::new(&[0; 16]), None);
        assert_eq!(Trace::new(&[1; 15]), None);
        assert_eq!(Trace::new(&[0xab; 16]).unwrap().trace_id, "ab".repeat(16));
    }
}
