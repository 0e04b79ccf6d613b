//! The schema by itself: its functions, called as the services call them, its roles and its plans.

mod items;
mod lease;
mod outbox;
mod passed;
mod plans;
mod roles;
mod schema;
mod trail;
mod tree;

use sqlx::{AssertSqlSafe, PgPool};
use support::{Role, TestDatabase, Value};

/// Request id, trace id, actor and client address, as SQL.
const CONTEXT: &str = "'r-1', NULL, NULL, '127.0.0.1:4000'";

/// A database, and connections of one role to it.
async fn with_role(role: Role) -> (TestDatabase, PgPool) {
    let database = TestDatabase::create().await;
    let pool = database.role(role);
    (database, pool)
}

/// Calls a function that returns at most one row, and returns that as JSON. The arguments are SQL.
async fn call(pool: &PgPool, function: &str, arguments: &str) -> Option<Value> {
    let query = format!("SELECT to_jsonb(row)::text FROM {function}({arguments}) AS row");
    let row = sqlx::query_scalar(AssertSqlSafe(query)).fetch_optional(pool).await;
    let row: Option<String> = row.unwrap_or_else(|error| panic!("{function}({arguments}): {error}"));
    row.map(|text| serde_json::from_str(&text).expect("JSON"))
}
