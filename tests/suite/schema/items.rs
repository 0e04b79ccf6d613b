//! The operations: one statement each, whole or not at all.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use support::{Role, SOON, TestDatabase, eventually};

use super::{CONTEXT, call, value};

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_fails_leaves_neither_item_nor_event() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    let query = "SELECT * FROM items_create(repeat('x', 201), '', 'key', 'r-1', NULL, NULL, NULL)";
    let error = sqlx::query(query).execute(&items).await.expect_err("201 characters are too many");
    assert_eq!(error.as_database_error().and_then(|error| error.code()).as_deref(), Some("23514"), "{error}");
    for table in ["items", "audit_outbox", "idempotency"] {
        assert_eq!(database.count(table).await, 0, "{table}");
    }
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_is_kept_as_clients_see_it_whoever_writes_it() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    let created = call(&items, "items_create", &format!("'bolt', 'a \"b\"', NULL, {CONTEXT}")).await.expect("a row");
    let seen: Value = serde_json::from_str(created["item"].as_str().expect("text")).expect("JSON");
    assert_eq!((&seen["id"], &seen["name"], &seen["description"]), (&created["id"], &json!("bolt"), &json!("a \"b\"")));

    database.run("UPDATE items SET name = 'nut', json = 'stale'").await;
    let read = call(&items, "items_get", &format!("1, NULL, {CONTEXT}")).await.expect("a row");
    let seen: Value = serde_json::from_str(read["item"].as_str().expect("text")).expect("JSON");
    assert_eq!(seen["name"], "nut");
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_forgotten_after_a_day_and_not_before() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    let create = async || call(&items, "items_create", &format!("'bolt', '', 'key', {CONTEXT}")).await.expect("a row");
    let first = create().await;
    assert_eq!(first["outcome"], "ok");

    database.run("UPDATE idempotency SET created_at = now() - interval '23 hours 59 minutes'").await;
    let again = create().await;
    assert_eq!((&again["outcome"], &again["id"]), (&json!("replayed"), &first["id"]));

    database.run("UPDATE idempotency SET created_at = now() - interval '24 hours 1 minute'").await;
    let anew = create().await;
    assert_eq!(anew["outcome"], "ok");
    assert_ne!(anew["id"], first["id"]);
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_keys_are_cleared_away_by_later_creates() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    database.run("INSERT INTO idempotency SELECT 'old-' || n, '', gen_random_uuid(), n, now() - interval '25 hours' FROM generate_series(1, 15) n").await;
    database
        .run("INSERT INTO idempotency VALUES ('young', '', gen_random_uuid(), 99, now() - interval '1 hour')")
        .await;
    for key in ["a", "b"] {
        call(&items, "items_create", &format!("'bolt', '', '{key}', {CONTEXT}")).await;
    }
    let left: Vec<String> = sqlx::query_scalar("SELECT key FROM idempotency ORDER BY key")
        .fetch_all(database.look())
        .await
        .expect("read the keys");
    assert_eq!(left, ["a", "b", "young"]);
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_waits_for_a_concurrent_one_with_the_same_key() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    let mut first = items.begin().await.expect("begin");
    let query = "SELECT outcome FROM items_create('bolt', '', 'key', 'r-1', NULL, NULL, NULL)";
    sqlx::query(query).execute(&mut *first).await.expect("the first create");
    let second = tokio::spawn({
        let items = items.clone();
        async move { sqlx::query_scalar::<_, String>(query).fetch_one(&items).await }
    });
    eventually("the second create waits", SOON, async || {
        let waiting: i64 = value(
            &database,
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .await;
        if waiting == 1 { Ok(()) } else { Err(format!("{waiting} statements wait")) }
    })
    .await;
    first.commit().await.expect("commit");
    assert_eq!(second.await.expect("no panic").expect("the second create"), "replayed");
    assert_eq!(database.count("items").await, 1);
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn timestamps_are_utc_whatever_the_session_zone() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    let mut session = items.acquire().await.expect("connect");
    sqlx::query("SET TIME ZONE 'Asia/Tokyo'").execute(&mut *session).await.expect("set the zone");
    let query = "SELECT item FROM items_create('bolt', '', NULL, 'r-1', NULL, NULL, NULL)";
    let item: String = sqlx::query_scalar(query).fetch_one(&mut *session).await.expect("create");
    let item: Value = serde_json::from_str(&item).expect("an item is JSON");
    let stored: f64 = value(&database, "SELECT extract(epoch FROM created_at)::float8 FROM items").await;
    let shown: f64 = value(
        &database,
        &format!("SELECT extract(epoch FROM '{}'::timestamptz)::float8", item["created_at"].as_str().expect("text")),
    )
    .await;
    assert_eq!(shown, stored);
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("a clock after 1970");
    assert!(now.abs_diff(Duration::from_secs_f64(stored)) < Duration::from_secs(60), "{stored} is not now");
    drop(session);
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_holds_at_most_500_items() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    database.run("INSERT INTO items (name, description, created_at, updated_at) SELECT 'n' || n, '', now(), now() FROM generate_series(1, 1100) n").await;
    assert_eq!(chunks(&items, 1050).await, [500, 500, 50]);
    items.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_holds_at_most_a_mebibyte() {
    let database = TestDatabase::create().await;
    let items = database.role(Role::Items);
    // The largest item there is: 10 000 control characters, of six bytes each once escaped.
    database.run("INSERT INTO items (name, description, created_at, updated_at) SELECT 'n', repeat(E'\\x01', 10000), now(), now() FROM generate_series(1, 40) n").await;
    assert_eq!(chunks(&items, 40).await, [17, 17, 6]);
    items.close().await;
}

/// Reads all items up to `last` in chunks, holds each against its bounds and order, and gives their sizes.
async fn chunks(items: &sqlx::PgPool, last: i64) -> Vec<usize> {
    let (mut after, mut sizes) = (0, Vec::new());
    while let Some(chunk) = call(items, "items_chunk", &format!("{after}, {last}")).await {
        let text = chunk["items"].as_str().expect("objects");
        assert!(text.len() <= 1 << 20, "{} bytes", text.len());
        let list: Vec<Value> = serde_json::from_str(&format!("[{text}]")).expect("objects joined by commas");
        let ids: Vec<i64> = list.iter().map(|item| item["id"].as_i64().expect("an id")).collect();
        assert_eq!(ids, (after + 1..=chunk["last"].as_i64().expect("an id")).collect::<Vec<_>>());
        after = chunk["last"].as_i64().expect("an id");
        sizes.push(ids.len());
    }
    assert_eq!(after, last);
    sizes
}
