//! Every role on every table, column, sequence and function: what it may do and what it may not, by trying.

use std::collections::BTreeSet;

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use support::{Role, TestDatabase};

/// Who may call a function. A function that is not here fails the test.
const FUNCTIONS: &[(&str, &[Role])] = &[
    ("audit_delay_bounds", &[Role::Metrics]),
    ("audit_erase", &[]),
    ("audit_event", &[]),
    ("audit_logs_append_only", &[]),
    ("audit_prune", &[]),
    ("audit_ready", &[Role::Audit]),
    ("audit_recorded", &[]),
    ("audit_retained", &[]),
    ("audit_store", &[Role::Audit]),
    ("audit_value", &[]),
    ("item_json", &[]),
    ("items_chunk", &[Role::Items]),
    ("items_create", &[Role::Items]),
    ("items_delete", &[Role::Items]),
    ("items_get", &[Role::Items]),
    ("items_json", &[]),
    ("items_list", &[Role::Items]),
    ("items_ready", &[Role::Items]),
    ("items_stream", &[Role::Items]),
    ("items_update", &[Role::Items]),
    ("relay_fail", &[Role::Items]),
    ("relay_lease_copy", &[]),
    ("relay_lease_keep", &[]),
    ("relay_lease_try", &[]),
    ("relay_mark", &[]),
    ("relay_mark_settled", &[]),
    ("relay_next", &[Role::Items]),
    ("relay_passed", &[Role::Metrics]),
    ("relay_refuse", &[Role::Items]),
    ("relay_release", &[Role::Items]),
    ("relay_take", &[Role::Items]),
    ("utc", &[]),
    ("uuid_v7", &[]),
];

/// What `metrics` may read of a table; no role may do anything else with any. A table that is not here fails the test.
const TABLES: &[(&str, Readable)] = &[
    ("audit_logs", Readable::Columns(&[])),
    ("audit_outbox", Readable::Columns(&["seq", "occurred_at"])),
    ("audit_refused", Readable::Columns(&["refused_at"])),
    ("audit_totals", Readable::Whole),
    ("idempotency", Readable::Columns(&[])),
    ("items", Readable::Columns(&[])),
    ("relay_lease", Readable::Whole),
];

enum Readable {
    Whole,
    Columns(&'static [&'static str]),
}

/// A statement and whether the role may run it.
struct Attempt {
    statement: String,
    allowed: bool,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_may_call_its_own_functions_and_no_other() {
    let database = TestDatabase::create().await;
    let query = "SELECT p.proname::text AS name, coalesce(string_agg('NULL::' || format_type(a.type, NULL), ', ' ORDER BY a.position), '') AS arguments
                   FROM pg_proc p LEFT JOIN LATERAL unnest(p.proargtypes) WITH ORDINALITY AS a (type, position) ON true
                  WHERE p.pronamespace = 'public'::regnamespace GROUP BY p.oid, p.proname";
    let functions = catalogue(&database, query).await;
    same_names(&functions, FUNCTIONS.iter().map(|(name, _)| *name));
    for role in Role::ALL {
        let attempts = functions.iter().map(|row| {
            let (name, arguments): (&str, &str) = (row.get("name"), row.get("arguments"));
            let (_, callers) = FUNCTIONS.iter().find(|(known, _)| *known == name).expect("compared above");
            Attempt { statement: format!("SELECT public.{name}({arguments})"), allowed: callers.contains(&role) }
        });
        try_all(&database, role, attempts.collect()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_metrics_reads_tables_and_nobody_writes_them() {
    let database = TestDatabase::create().await;
    let query = "SELECT c.relname::text AS name, a.attname::text AS column
                   FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')";
    let columns = catalogue(&database, query).await;
    same_names(&columns, TABLES.iter().map(|(name, _)| *name));
    for role in Role::ALL {
        let mut attempts = Vec::new();
        for (table, readable) in TABLES {
            let whole = role == Role::Metrics && matches!(readable, Readable::Whole);
            attempts.push(Attempt { statement: format!("SELECT * FROM {table}"), allowed: whole });
            for denied in [
                "INSERT INTO {} DEFAULT VALUES",
                "DELETE FROM {}",
                "TRUNCATE {}",
                "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE",
                "DROP TABLE {}",
            ] {
                attempts.push(Attempt { statement: denied.replace("{}", table), allowed: false });
            }
        }
        for row in &columns {
            let (table, column): (&str, &str) = (row.get("name"), row.get("column"));
            let (_, readable) = TABLES.iter().find(|(known, _)| *known == table).expect("compared above");
            let readable = match readable {
                Readable::Whole => true,
                Readable::Columns(columns) => columns.contains(&column),
            };
            attempts.push(Attempt {
                statement: format!("SELECT {column} FROM {table}"),
                allowed: role == Role::Metrics && readable,
            });
            attempts.push(Attempt { statement: format!("UPDATE {table} SET {column} = DEFAULT"), allowed: false });
        }
        try_all(&database, role, attempts).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_role_reaches_a_sequence_another_role_or_makes_anything() {
    let database = TestDatabase::create().await;
    // Rights on the database itself do not travel with a copy of the template.
    database.apply_schema().await;
    let query = "SELECT c.relname::text AS name FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S'";
    let sequences = catalogue(&database, query).await;
    assert!(!sequences.is_empty());
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
    for row in &sequences {
        let name: &str = row.get("name");
        denied.extend([
            format!("SELECT nextval('{name}')"),
            format!("SELECT setval('{name}', 1)"),
            format!("SELECT last_value FROM {name}"),
        ]);
    }
    for role in Role::ALL {
        let others =
            Role::ALL.into_iter().filter(move |other| *other != role).map(|other| format!("SET ROLE {}", other.name()));
        let attempts = denied.iter().cloned().chain(others).map(|statement| Attempt { statement, allowed: false });
        try_all(&database, role, attempts.collect()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_have_no_attributes_and_nobody_logs_in_as_their_owner_or_retention() {
    let database = TestDatabase::create().await;
    let query = "SELECT rolname::text AS name, rolcanlogin, rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls AS mighty
                   FROM pg_roles WHERE rolname IN ('items_owner', 'items', 'audit', 'metrics', 'retention')";
    let roles = catalogue(&database, query).await;
    assert_eq!(roles.len(), 5);
    for row in roles {
        let name: &str = row.get("name");
        assert!(!row.get::<bool, _>("mighty"), "{name} has an attribute beyond LOGIN");
        assert_eq!(row.get::<bool, _>("rolcanlogin"), !["items_owner", "retention"].contains(&name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_of_every_role_end_after_five_seconds_and_locks_after_one() {
    let database = TestDatabase::create().await;
    for role in Role::ALL {
        let pool = database.role(role);
        for (setting, value) in
            [("statement_timeout", "5s"), ("lock_timeout", "1s"), ("idle_in_transaction_session_timeout", "5s")]
        {
            let set: String = sqlx::query_scalar("SELECT current_setting($1)")
                .bind(setting)
                .fetch_one(&pool)
                .await
                .expect("read a setting");
            assert_eq!(set, value, "{setting} of {role:?}");
        }
        pool.close().await;
    }
}

/// Runs every attempt in a transaction that is rolled back. What a role may do can still fail, for any reason but a missing right.
async fn try_all(database: &TestDatabase, role: Role, attempts: Vec<Attempt>) {
    let pool = database.role(role);
    let mut connection = pool.acquire().await.expect("connect");
    let mut wrong = Vec::new();
    for Attempt { statement, allowed } in attempts {
        let refused = refused(&mut connection, &statement).await;
        if refused == allowed {
            wrong.push(format!("{role:?} {} run: {statement}", if refused { "may not" } else { "may" }));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    drop(connection);
    pool.close().await;
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

async fn catalogue(database: &TestDatabase, query: &'static str) -> Vec<PgRow> {
    sqlx::query(query).fetch_all(database.look()).await.expect("read the catalogue")
}

/// Names in the catalogue are exactly the names with an expectation.
fn same_names<'a>(rows: &'a [PgRow], expected: impl Iterator<Item = &'a str>) {
    let found: BTreeSet<&str> = rows.iter().map(|row| row.get("name")).collect();
    assert_eq!(found, expected.collect::<BTreeSet<_>>(), "the catalogue (left) and this test's expectations (right)");
}
