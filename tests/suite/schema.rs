//! The database by itself: what its functions promise, called as the services call them.

mod items;
mod lease;
mod passed;
mod plans;
mod relay;
mod trail;

use sqlx::{AssertSqlSafe, PgPool};
use support::{Role, TestDatabase};

/// Request id, trace id, actor and client address, as SQL.
const CONTEXT: &str = "'r-1', NULL, NULL, '127.0.0.1:4000'";

/// Calls a function that gives one row of text columns. Arguments are SQL.
async fn call(pool: &PgPool, function: &str, arguments: &str) -> Option<serde_json::Value> {
    let query = format!("SELECT to_jsonb(row)::text FROM {function}({arguments}) AS row");
    let row: Option<String> = sqlx::query_scalar(AssertSqlSafe(query))
        .fetch_optional(pool)
        .await
        .unwrap_or_else(|error| panic!("{function}({arguments}): {error}"));
    row.map(|text| serde_json::from_str(&text).expect("to_jsonb gives JSON"))
}

/// One value, read as superuser.
async fn value<T>(database: &TestDatabase, query: &str) -> T
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
        .fetch_one(database.look())
        .await
        .unwrap_or_else(|error| panic!("{query}: {error}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn applying_the_schema_again_changes_nothing() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    call(&items, "items_create", &format!("'bolt', '', 'key', {CONTEXT}")).await;
    let fingerprint = "SELECT md5(string_agg(entry, E'\\n' ORDER BY entry)) FROM (
        SELECT concat(pg_get_functiondef(oid), proacl) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT concat(relname, relkind, relacl, reloptions) FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT concat(a.attrelid::regclass, a.attname, a.atttypid::regtype, a.attacl) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relnamespace = 'public'::regnamespace
        UNION ALL SELECT concat(conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT concat(tgname, pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT items::text FROM items UNION ALL SELECT audit_outbox::text FROM audit_outbox
        UNION ALL SELECT idempotency::text FROM idempotency UNION ALL SELECT relay_lease::text FROM relay_lease) AS everything (entry)";
    let before: String = value(&database, fingerprint).await;
    database.apply_schema().await;
    assert_eq!(value::<String>(&database, fingerprint).await, before);
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_in_the_schema_is_no_hindrance() {
    let database = TestDatabase::create().await;
    database.run("CREATE EXTENSION pg_stat_statements SCHEMA public").await;
    database.apply_schema().await;
}
