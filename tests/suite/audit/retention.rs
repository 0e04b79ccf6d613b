//! What may leave the trail: old events and the data of deleted items, removed by the role `retention`, each with an
//! event.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use support::{App, Role, SOON, TestDatabase, Value, json};

const INVALID_PARAMETER: &str = "22023";
const OBJECT_IN_USE: &str = "55006";
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// A connection of an administrator who has taken the role `retention`.
async fn retention(database: &TestDatabase) -> PgConnection {
    let mut connection = database.superuser().acquire().await.expect("connect").detach();
    sqlx::raw_sql("SET ROLE retention").execute(&mut connection).await.expect("take the role");
    connection
}

/// Calls a function; an error is its SQLSTATE.
async fn call(connection: &mut PgConnection, function: &str) -> Result<i64, String> {
    let result = sqlx::query_scalar(AssertSqlSafe(format!("SELECT {function}"))).fetch_one(connection).await;
    result.map_err(|error| code(&error))
}

fn code(error: &sqlx::Error) -> String {
    error.as_database_error().and_then(|error| error.code()).expect("an error of the database").into_owned()
}

/// The actions in the trail, oldest first.
async fn actions(database: &TestDatabase) -> Vec<String> {
    database.values("SELECT action FROM audit_logs ORDER BY id").await
}

/// Inserts rows directly into the trail, as one batch; they happened some days ago.
async fn insert_trail(database: &TestDatabase, rows: usize, days: usize) {
    database
        .run(&format!(
            "INSERT INTO audit_logs (event_id, action, outcome, request_id, created_at, stored_at)
             SELECT gen_random_uuid(), 'list', 'ok', 'r', now() - interval '{days} day', now() FROM generate_series(1, {rows})"
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_removes_whole_batches_from_the_front_and_leaves_them_in_the_tree_with_an_event() {
    let database = TestDatabase::create().await;
    for (rows, days) in [(2, 9), (3, 8), (1, 1), (1, 9)] {
        insert_trail(&database, rows, days).await;
    }
    let tree: (i64, Vec<Vec<u8>>) =
        sqlx::query_as("SELECT size, edge FROM audit_tree").fetch_one(database.superuser()).await.expect("the tree");
    let mut retention = retention(&database).await;
    let prunable = database.value::<i64>("SELECT events FROM audit_prunable(now() - interval '2 days')").await;
    assert_eq!(prunable, 5, "not the last batch, which is behind one that stays");
    let prune = "audit_prune(now() - interval '2 days', 4)";
    assert_eq!(call(&mut retention, prune).await, Ok(2), "whole batches, at most four events");
    assert_eq!(call(&mut retention, prune).await, Ok(3));
    assert_eq!(call(&mut retention, prune).await, Ok(0));
    assert_eq!(actions(&database).await, ["list", "list", "prune", "prune"], "no event when nothing was removed");
    let details: String =
        database.value("SELECT details::text FROM audit_logs WHERE action = 'prune' ORDER BY id DESC LIMIT 1").await;
    let details: Value = serde_json::from_str(&details).expect("JSON");
    assert_eq!((&details["events"], &details["below"]), (&json!(3), &json!(3)), "{details}");
    let appended = database.value::<i64>("SELECT size FROM audit_tree").await - tree.0;
    assert_eq!(appended, 2, "the events about it are batches, and the tree never shrinks");
    assert_eq!(call(&mut retention, "audit_prune(now(), 1)").await, Ok(1), "at least one batch");
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_leaves_the_counters() {
    let app = App::start().await;
    app.create("a").await;
    app.audited(1, SOON).await;
    let database = app.database();
    let counters = "SELECT action || events FROM audit_totals ORDER BY action";
    let counted: Vec<String> = database.values(counters).await;
    assert_eq!(call(&mut retention(database).await, "audit_prune(now())").await, Ok(1));
    assert_eq!(database.values::<String>(counters).await, counted, "they count what happened, not what is kept");
    app.create("afterwards").await;
    app.audited(2, SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_still_in_the_outbox_is_not_pruned() {
    let database = TestDatabase::create().await;
    for _ in 0..3 {
        insert_trail(&database, 1, 1).await;
    }
    database.run("INSERT INTO audit_outbox (event_id, action, outcome, request_id) SELECT event_id, action, outcome, request_id FROM audit_logs ORDER BY id LIMIT 1 OFFSET 1").await;
    let mut retention = retention(&database).await;
    assert_eq!(call(&mut retention, "audit_prune(now())").await, Ok(1));
    assert_eq!(call(&mut retention, "audit_prune(now())").await, Ok(0), "nor are those behind it");
    database.run("DELETE FROM audit_outbox").await;
    let prune = "audit_prune(now() - interval '1 hour')";
    assert_eq!(call(&mut retention, prune).await, Ok(2), "once it is out of the outbox");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_events_of_the_past_are_pruned() {
    let database = TestDatabase::create().await;
    let mut retention = retention(&database).await;
    for before in ["now() + interval '1 s'", "NULL", "'infinity'"] {
        let refused = call(&mut retention, &format!("audit_prune({before})")).await;
        assert_eq!(refused, Err(INVALID_PARAMETER.into()), "{before}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_removes_the_text_of_a_deleted_item_and_keeps_its_events() {
    let app = App::start().await;
    let secret = "Jane Doe, 1 Main Street";
    let item = app.create(secret).await;
    let path = format!("/items/{}", item.id);
    app.put(&path, json!({ "name": "n", "description": secret })).await;
    let database = app.database();
    let mut retention = retention(database).await;
    let erase = format!("audit_erase({})", item.id);
    assert_eq!(call(&mut retention, &erase).await, Err(OBJECT_IN_USE.into()), "the item has to be deleted first");
    app.delete(&path).await;
    app.audited(3, SOON).await;
    let other = app.create("another").await;
    app.audited(4, SOON).await;

    assert!(call(&mut retention, &erase).await.is_ok_and(|events| events >= 2));
    let rows: Vec<String> = database
        .values("SELECT a::text FROM audit_logs a UNION ALL SELECT i::text FROM items i UNION ALL SELECT o::text FROM audit_outbox o UNION ALL SELECT r::text FROM audit_refused r UNION ALL SELECT k::text FROM idempotency k")
        .await;
    assert!(rows.iter().all(|row| !row.contains("Jane") && !row.contains("Main Street")), "{rows:?}");
    assert_eq!(actions(database).await, ["create", "update", "delete", "create", "erase"]);
    let persons = format!(
        "SELECT count(*) FROM audit_logs WHERE item_id = {} AND action <> 'erase' AND num_nonnulls(actor, client_addr, details, salt) > 0",
        item.id
    );
    assert_eq!(database.value::<i64>(&persons).await, 0, "nor do they say who it was, nor could anybody guess");
    let kept = format!("SELECT details::text FROM audit_logs WHERE item_id = {} AND action = 'create'", other.id);
    assert!(database.value::<String>(&kept).await.contains("another"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_with_an_event_in_the_outbox_is_not_erased() {
    let database = TestDatabase::create().await;
    database.run("INSERT INTO audit_outbox (event_id, action, outcome, item_id, request_id) VALUES (gen_random_uuid(), 'delete', 'ok', 7, 'r')").await;
    assert_eq!(call(&mut retention(&database).await, "audit_erase(7)").await, Err(OBJECT_IN_USE.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_audit_prune_and_audit_erase_and_only_as_retention_remove_anything_from_the_trail() {
    let database = TestDatabase::create().await;
    insert_trail(&database, 1, 1).await;
    let mut retention = retention(&database).await;
    for statement in [
        "UPDATE audit_tree SET pruned = 0",
        "INSERT INTO audit_batches (batch, events) VALUES (9, 0)",
        "DELETE FROM audit_logs",
        "UPDATE audit_logs SET details = NULL",
        "TRUNCATE audit_logs",
        "SELECT * FROM audit_logs",
        "SELECT * FROM items",
        "SELECT audit_retained('prune', NULL, NULL)",
        "SELECT audit_store('[]')",
    ] {
        let mut transaction = retention.begin().await.expect("begin");
        let error = sqlx::raw_sql(statement).execute(&mut *transaction).await.expect_err(statement);
        assert_eq!(code(&error), INSUFFICIENT_PRIVILEGE, "{statement}: {error}");
        transaction.rollback().await.expect("roll back");
    }
    for role in Role::ALL {
        let mut connection = database.role(role).acquire().await.expect("connect").detach();
        for function in ["audit_prune(now())", "audit_erase(1)", "audit_adopt()", "audit_incarnate('')"] {
            assert_eq!(
                call(&mut connection, function).await,
                Err(INSUFFICIENT_PRIVILEGE.into()),
                "{role:?} {function}"
            );
        }
    }
}
