//! What may leave the audit trail, by whom, and what it leaves behind.

use serde_json::json;
use sqlx::{Connection, PgConnection};
use support::{App, Role, SOON, TestDatabase};

/// A connection as an administrator has it who took on the role `retention`.
async fn retention(database: &TestDatabase) -> PgConnection {
    let mut connection = database.look().acquire().await.expect("connect").detach();
    sqlx::raw_sql("SET ROLE retention").execute(&mut connection).await.expect("take on the role");
    connection
}

async fn call(connection: &mut PgConnection, function: &str) -> Result<i64, String> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT {function}"));
    sqlx::query_scalar(sql).fetch_one(connection).await.map_err(|error| error.to_string())
}

/// Actions and details of the trail, oldest first.
async fn trail(database: &TestDatabase) -> Vec<(String, Option<String>)> {
    sqlx::query_as("SELECT action, details::text FROM audit_logs ORDER BY id")
        .fetch_all(database.look())
        .await
        .expect("read the trail")
}

async fn totals(database: &TestDatabase) -> Vec<(String, i64)> {
    sqlx::query_as("SELECT action, events FROM audit_totals ORDER BY action")
        .fetch_all(database.look())
        .await
        .expect("read the totals")
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_removes_what_is_older_and_says_so_in_the_trail() {
    let app = App::start().await;
    for number in 0..5 {
        app.create(&format!("n{number}")).await;
    }
    app.audited(5, SOON).await;
    let database = app.database();
    let totals = totals(database).await;
    let mut connection = retention(database).await;
    let before = "(SELECT created_at FROM trail_moment)";
    database
        .run("CREATE TABLE trail_moment AS SELECT created_at FROM audit_logs ORDER BY created_at OFFSET 3 LIMIT 1")
        .await;
    database.run("GRANT SELECT ON trail_moment TO retention").await;
    assert_eq!(call(&mut connection, &format!("audit_prune({before}, 2)")).await, Ok(2), "in portions");
    assert_eq!(call(&mut connection, &format!("audit_prune({before})")).await, Ok(1));
    assert_eq!(call(&mut connection, &format!("audit_prune({before})")).await, Ok(0));
    let actions: Vec<_> = trail(database).await.into_iter().map(|(action, _)| action).collect();
    assert_eq!(actions, ["create", "create", "prune", "prune"], "nothing to prune is no event");
    let (_, details) = trail(database).await.remove(2);
    assert!(details.as_ref().is_some_and(|details| details.contains(r#""events": 2"#)), "{details:?}");
    assert_eq!(self::totals(database).await, totals, "counters tell what happened, not what is kept");
    app.create("afterwards").await;
    app.audited(5, SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_the_relay_may_bring_again_is_not_pruned() {
    let database = TestDatabase::create().await;
    database.run("INSERT INTO audit_logs (event_id, action, outcome, request_id, created_at, stored_at) SELECT gen_random_uuid(), 'list', 'ok', 'r', now() - interval '1 day', now() FROM generate_series(1, 2)").await;
    database.run("INSERT INTO audit_outbox (event_id, action, outcome, request_id) SELECT event_id, action, outcome, request_id FROM audit_logs LIMIT 1").await;
    let mut connection = retention(&database).await;
    assert_eq!(call(&mut connection, "audit_prune(now())").await, Ok(1));
    database.run("DELETE FROM audit_outbox").await;
    assert_eq!(call(&mut connection, "audit_prune(now())").await, Ok(1), "once the relay is done with it");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_future_is_not_pruned() {
    let database = TestDatabase::create().await;
    let mut connection = retention(&database).await;
    for before in ["now() + interval '1 s'", "NULL", "'infinity'"] {
        let refused = call(&mut connection, &format!("audit_prune({before})")).await;
        assert!(
            refused.as_ref().is_err_and(|error| error.contains("only events of the past")),
            "{before}: {refused:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_removes_what_was_written_into_an_item_and_keeps_that_it_happened() {
    let app = App::start().await;
    let secret = "Jane Doe, 1 Main Street";
    let item = app.create(secret).await;
    let path = format!("/items/{}", item.id);
    app.put(&path, json!({ "name": "n", "description": secret })).await;
    let database = app.database();
    let mut connection = retention(database).await;
    let erase = format!("audit_erase({})", item.id);
    let early = call(&mut connection, &erase).await;
    assert!(early.as_ref().is_err_and(|error| error.contains("delete it first")), "{early:?}");
    app.delete(&path).await;
    app.audited(3, SOON).await;
    let other = app.create("another").await;
    app.audited(4, SOON).await;

    assert!(call(&mut connection, &erase).await.is_ok_and(|events| events >= 2));
    let dump: String = sqlx::query_scalar("SELECT string_agg(t::text, '') FROM (SELECT a::text FROM audit_logs a UNION ALL SELECT i::text FROM items i UNION ALL SELECT o::text FROM audit_outbox o UNION ALL SELECT r::text FROM audit_refused r UNION ALL SELECT k::text FROM idempotency k) t")
        .fetch_one(database.look()).await.expect("read everything");
    assert!(!dump.contains("Jane") && !dump.contains("Main Street"), "{dump}");
    let actions: Vec<_> = trail(database).await.into_iter().map(|(action, _)| action).collect();
    assert_eq!(actions, ["create", "update", "delete", "create", "erase"]);
    let kept: String =
        sqlx::query_scalar("SELECT details::text FROM audit_logs WHERE item_id = $1 AND action = 'create'")
            .bind(other.id)
            .fetch_one(database.look())
            .await
            .expect("the other item's event");
    assert!(kept.contains("another"), "{kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_erased_while_an_event_could_bring_it_back() {
    let database = TestDatabase::create().await;
    database.run("INSERT INTO audit_outbox (event_id, action, outcome, item_id, request_id) VALUES (gen_random_uuid(), 'delete', 'ok', 7, 'r')").await;
    let refused = call(&mut retention(&database).await, "audit_erase(7)").await;
    assert!(refused.as_ref().is_err_and(|error| error.contains("on their way")), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_these_two_functions_and_only_this_role_take_anything_out() {
    let database = TestDatabase::create().await;
    database.run("INSERT INTO audit_logs (event_id, action, outcome, request_id, created_at, stored_at) VALUES (gen_random_uuid(), 'list', 'ok', 'r', now(), now())").await;
    let mut connection = retention(&database).await;
    for statement in [
        "DELETE FROM audit_logs",
        "UPDATE audit_logs SET details = NULL",
        "TRUNCATE audit_logs",
        "SELECT * FROM audit_logs",
        "SELECT * FROM items",
        "SELECT audit_retained('prune', NULL, NULL)",
        "SELECT audit_store('[]')",
    ] {
        let mut transaction = connection.begin().await.expect("begin");
        let refused = sqlx::raw_sql(statement).execute(&mut *transaction).await;
        assert!(
            refused.as_ref().is_err_and(|error| error.to_string().contains("permission denied")),
            "{statement}: {refused:?}"
        );
        transaction.rollback().await.expect("roll back");
    }
    for role in Role::ALL {
        let pool = database.role(role);
        for function in ["audit_prune(now())", "audit_erase(1)"] {
            let mut own = pool.acquire().await.expect("connect").detach();
            let refused = call(&mut own, function).await;
            assert!(
                refused.as_ref().is_err_and(|error| error.contains("permission denied")),
                "{role:?} {function}: {refused:?}"
            );
        }
        pool.close().await;
    }
    let refused = sqlx::raw_sql("DELETE FROM audit_logs").execute(database.look()).await;
    assert!(
        refused.is_err_and(|error| error.to_string().contains("append-only")),
        "not even the superuser, by mistake"
    );
    let log_in: bool = sqlx::query_scalar("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'retention'")
        .fetch_one(database.look())
        .await
        .expect("the role");
    assert!(!log_in, "nobody logs in as it");
}
