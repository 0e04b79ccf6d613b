//! The names of the application that may become label values. Any other value is written as [`OTHER`], so that no
//! sender can create series. The tests compare these lists with `spin.toml` and the schema.

/// Stands for any value that is not known.
pub const OTHER: &str = "other";

/// The routes of `spin.toml`.
pub const ROUTES: [&str; 7] = ["/", "/items", "/items/:id", "/livez", "/readyz", "/openapi.json", "/..."];

/// RFC 9110, section 9, and PATCH (RFC 5789).
pub const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// The functions that the roles of the two services may call (`schema/007_grants.sql`), except those that are a part of
/// another's statement (`item_tag`, `item_versions`).
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
pub const TABLES: [&str; 9] = [
    "items",
    "idempotency",
    "audit_outbox",
    "relay_lease",
    "audit_refused",
    "audit_logs",
    "audit_batches",
    "audit_tree",
    "audit_totals",
];

/// The database roles that log in.
pub const ROLES: [&str; 3] = ["items", "audit", "metrics"];

/// Why no operation can be done, as the database's function `database_ready` says it.
pub const OBSTACLES: [&str; 4] = ["read-only", "in recovery", "no space", "wrong encoding"];

/// Each operation with its possible outcomes.
pub const OPERATIONS: [(&str, &[&str]); 5] = [
    ("create", &["ok", "replayed", "key_conflict"]),
    ("list", &["ok"]),
    ("get", &["ok", "not_modified", "not_found"]),
    ("update", &["ok", "not_found", "precondition_failed"]),
    ("delete", &["ok", "not_found", "precondition_failed"]),
];

/// The member of `known` that equals `value`, or [`OTHER`].
pub fn closed(known: &[&'static str], value: &[u8]) -> &'static str {
    known.iter().find(|known| known.as_bytes() == value).copied().unwrap_or(OTHER)
}

/// The first of [`FUNCTIONS`] that an SQL statement calls, or [`OTHER`].
pub fn function(sql: &[u8]) -> &'static str {
    sql.split_inclusive(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
        .filter_map(|word| Some(closed(&FUNCTIONS, word.strip_suffix(b"(")?)))
        .find(|function| *function != OTHER)
        .unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn repository(file: &str) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    #[test]
    fn the_known_routes_are_the_routes_of_the_manifest() {
        let manifest = repository("spin.toml");
        let routes = manifest.lines().filter_map(|line| line.strip_prefix("route = \"")?.strip_suffix('"'));
        assert_eq!(routes.collect::<BTreeSet<_>>(), ROUTES.into());
    }

    #[test]
    fn the_known_functions_are_those_granted_to_the_services() {
        let grants = repository("schema/007_grants.sql");
        let granted = grants.split(';').filter_map(|statement| {
            let (functions, role) = statement.split_once("GRANT EXECUTE ON FUNCTION")?.1.rsplit_once("TO ")?;
            ["items", "audit"].contains(&role.trim()).then_some(functions)
        });
        let granted = granted.flat_map(|list| list.split(',').map(str::trim)).filter(|name| !name.starts_with("item_"));
        assert_eq!(granted.collect::<BTreeSet<_>>(), FUNCTIONS.into());
    }

    #[test]
    fn the_known_obstacles_are_those_that_the_schema_names() {
        let schema = repository("schema/003_relay.sql");
        let named = schema.split("'not ready: ").skip(1).filter_map(|rest| rest.split('\'').next());
        assert_eq!(named.collect::<BTreeSet<_>>(), OBSTACLES.into());
    }

    #[test]
    fn the_known_tables_are_the_tables_of_the_schema() {
        let schema = repository("schema/002_tables.sql");
        let tables =
            schema.lines().filter_map(|line| line.strip_prefix("CREATE TABLE IF NOT EXISTS ")?.strip_suffix(" ("));
        assert_eq!(tables.collect::<BTreeSet<_>>(), TABLES.into());
    }

    #[test]
    fn the_function_of_a_statement_is_the_first_known_one_that_it_calls() {
        for (sql, expected) in [
            ("SELECT outcome, id, item_tag(1), item, relay FROM items_create($1, $2)", "items_create"),
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
}
