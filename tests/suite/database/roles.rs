//! What every role may do with every function, table, column and sequence, and what it may not, by trying.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use support::{Role, TestDatabase};

/// The functions that each role may call.
const CALLABLE: [(Role, &str); 3] = [
    (
        Role::Items,
        "item_tag item_versions items_chunk items_create items_delete items_get items_list items_ready items_stream
         items_update relay_fail relay_next relay_refuse relay_release relay_take",
    ),
    (Role::Audit, "audit_ready audit_store"),
    (Role::Metrics, "audit_delay_bounds database_ready relay_passed"),
];

/// The functions that none of them may call. A function that is in neither list fails the test.
const INTERNAL: &str = "
    audit_adopt audit_append audit_batches_append_only audit_begin audit_commitment audit_digest audit_erase audit_event
    audit_first_kept audit_incarnate audit_logs_append_only audit_logs_batch audit_prunable audit_prune audit_recorded
    audit_retained audit_value database_restored incarnate item_json items_json relay_lease_copy relay_lease_keep relay_lease_try relay_mark
    relay_mark_settled utc uuid_v7";

/// The columns of each table that `metrics` may read; no role may do anything else with a table, but for [`TRAIL`]. A table
/// that is not here fails the test.
const READABLE: [(&str, &str); 9] = [
    ("audit_batches", "*"),
    ("audit_logs", ""),
    ("audit_outbox", "seq occurred_at"),
    ("audit_refused", "refused_at"),
    ("audit_totals", "*"),
    ("audit_tree", "*"),
    ("idempotency", ""),
    ("items", ""),
    ("relay_lease", "*"),
];

/// The tables that `auditor` may read, and nothing else.
const TRAIL: [&str; 3] = ["audit_batches", "audit_logs", "audit_tree"];

/// A statement, and whether the role may run it.
type Attempt = (String, bool);

#[tokio::test(flavor = "multi_thread")]
async fn every_role_may_call_its_own_functions_and_no_other() {
    let database = TestDatabase::create().await;
    // A strict function is not called with a NULL that the planner knows, and then its right is not checked.
    let query = "SELECT p.proname::text, coalesce(string_agg('(SELECT NULL::' || format_type(a.type, NULL) || ')', ', ' ORDER BY a.position), '')
                   FROM pg_proc p LEFT JOIN LATERAL unnest(p.proargtypes) WITH ORDINALITY AS a (type, position) ON true
                  WHERE p.pronamespace = 'public'::regnamespace GROUP BY p.oid, p.proname";
    let functions = pairs(&database, query).await;
    let known = CALLABLE.iter().map(|(_, names)| *names).chain([INTERNAL]);
    same_names(&functions, known.flat_map(str::split_whitespace));
    for role in Role::ALL.map(Some).into_iter().chain([None]) {
        let own = CALLABLE.iter().find(|(caller, _)| Some(*caller) == role).map_or("", |(_, names)| *names);
        let attempt = |(name, arguments): &(String, String)| {
            (format!("SELECT public.{name}({arguments})"), own.split_whitespace().any(|known| known == name))
        };
        try_all(&database, role, functions.iter().map(attempt)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_metrics_and_auditor_read_tables_and_no_role_writes_them() {
    let database = TestDatabase::create().await;
    let query = "SELECT c.relname::text, a.attname::text
                   FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')";
    let columns = pairs(&database, query).await;
    same_names(&columns, READABLE.iter().map(|(name, _)| *name));
    for role in Role::ALL.map(Some).into_iter().chain([None]) {
        let reads = |table: &str, columns: &str, column: &str| match role {
            Some(Role::Metrics) => columns.split(' ').any(|known| known == "*" || known == column),
            Some(_) => false,
            None => TRAIL.contains(&table),
        };
        let mut attempts: Vec<Attempt> = Vec::new();
        for (table, readable) in &READABLE {
            attempts.push((format!("SELECT * FROM {table}"), reads(table, readable, "*")));
            for denied in [
                "INSERT INTO {} DEFAULT VALUES",
                "DELETE FROM {}",
                "TRUNCATE {}",
                "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE",
                "DROP TABLE {}",
            ] {
                attempts.push((denied.replace("{}", table), false));
            }
        }
        for (table, column) in &columns {
            let (_, readable) = READABLE.iter().find(|(known, _)| known == table).expect("compared above");
            attempts.push((format!("SELECT {column} FROM {table}"), reads(table, readable, column)));
            attempts.push((format!("UPDATE {table} SET {column} = DEFAULT"), false));
        }
        try_all(&database, role, attempts).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_role_reaches_a_sequence_or_another_role_or_creates_anything() {
    let database = TestDatabase::create().await;
    // A copy of the template does not have the rights on the database itself.
    database.apply_schema().await;
    let mut denied: Vec<String> = [
        "CREATE TABLE public.t ()",
        "CREATE TEMPORARY TABLE t ()",
        "CREATE SCHEMA s",
        "CREATE ROLE somebody",
        "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SET ROLE items_owner",
        "SET ROLE retention",
        "SET ROLE postgres",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('postgresql.conf')",
        "SELECT rolpassword FROM pg_authid",
    ]
    .map(String::from)
    .into();
    let query = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'";
    let sequences: Vec<String> = database.values(query).await;
    assert!(!sequences.is_empty());
    for name in sequences {
        denied.push(format!("SELECT nextval('{name}')"));
        denied.push(format!("SELECT setval('{name}', 1)"));
        denied.push(format!("SELECT last_value FROM {name}"));
    }
    for role in Role::ALL {
        let others = Role::ALL.into_iter().filter(|other| *other != role);
        let others = others.map(|other| format!("SET ROLE {}", other.name()));
        try_all(&database, Some(role), denied.iter().cloned().chain(others).map(|statement| (statement, false))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_have_no_attributes_and_nobody_logs_in_as_owner_retention_or_auditor() {
    let database = TestDatabase::create().await;
    let query = "SELECT rolname::text, rolcanlogin, rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls AS mighty
                   FROM pg_roles WHERE rolname IN ('items_owner', 'items', 'audit', 'metrics', 'retention', 'auditor')";
    let roles = sqlx::query(query).fetch_all(database.superuser()).await.expect("read the roles");
    assert_eq!(roles.len(), 6);
    for row in roles {
        let name: &str = row.get("rolname");
        assert!(!row.get::<bool, _>("mighty"), "{name} has an attribute beyond LOGIN");
        assert_eq!(
            row.get::<bool, _>("rolcanlogin"),
            !["items_owner", "retention", "auditor"].contains(&name),
            "{name}"
        );
    }
}

/// The settings that statements of the services depend on.
const SETTINGS: &str = "
    bytea_output=hex DateStyle=ISO,YMD default_transaction_isolation=read,committed extra_float_digits=1
    idle_in_transaction_session_timeout=5s idle_session_timeout=0 IntervalStyle=postgres lc_messages=C lc_monetary=C
    lc_numeric=C lc_time=C lock_timeout=1s search_path=public session_replication_role=origin
    standard_conforming_strings=on statement_timeout=5s synchronous_commit=on TimeZone=UTC
    timezone_abbreviations=Default";

#[tokio::test(flavor = "multi_thread")]
async fn every_setting_that_statements_depend_on_is_pinned_by_the_role() {
    let database = TestDatabase::create().await;
    for role in Role::ALL {
        let query = format!(
            "SELECT setting FROM pg_db_role_setting, unnest(setconfig) AS setting
              WHERE setrole = '{}'::regrole AND setdatabase = 0 AND setting !~ '^(transaction_timeout|plan_cache_mode)='",
            role.name()
        );
        let settings: Vec<String> = database.values(&query).await;
        let pinned: BTreeSet<String> =
            settings.iter().map(|setting| setting.replace(", ", ",").replace(' ', ",")).collect();
        assert_eq!(pinned, SETTINGS.split_whitespace().map(str::to_owned).collect(), "{role:?}");
    }
}

/// Runs every attempt, as `role` or else as `auditor`, in a transaction that is rolled back. An allowed statement may still
/// fail, but not for a missing right.
async fn try_all(database: &TestDatabase, role: Option<Role>, attempts: impl IntoIterator<Item = Attempt>) {
    let pool = role.map_or_else(|| database.superuser().clone(), |role| database.role(role));
    let mut connection = pool.acquire().await.expect("connect").detach();
    if role.is_none() {
        sqlx::raw_sql("SET ROLE auditor").execute(&mut connection).await.expect("SET ROLE");
    }
    let role = role.map_or("auditor", Role::name);
    let mut wrong = Vec::new();
    for (statement, allowed) in attempts {
        let refused = refused(&mut connection, &statement).await;
        if refused == allowed {
            wrong.push(format!("{role} {} run: {statement}", if refused { "may not" } else { "may" }));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

async fn refused(connection: &mut PgConnection, statement: &str) -> bool {
    let mut transaction = connection.begin().await.expect("begin");
    let outcome = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut *transaction).await;
    let refused = outcome.is_err_and(|error| {
        let error = error.as_database_error().unwrap_or_else(|| panic!("{statement}: {error}"));
        error.code().as_deref() == Some("42501")
    });
    transaction.rollback().await.expect("roll back");
    refused
}

async fn pairs(database: &TestDatabase, query: &'static str) -> Vec<(String, String)> {
    sqlx::query_as(query).fetch_all(database.superuser()).await.expect("read the catalogue")
}

/// Checks that the first names in the catalogue are exactly those with an expectation.
fn same_names<'a>(found: &'a [(String, String)], expected: impl Iterator<Item = &'a str>) {
    let found: BTreeSet<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(found, expected.collect(), "the catalogue (left) and this test's expectations (right)");
}
