//! The functions of operations on items: item, event and idempotency key together or not at all.

use std::time::{Duration, SystemTime};

use sqlx::PgPool;
use support::{Role, Value, json};

use super::{CONTEXT, call, with_role};

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_fails_leaves_neither_item_nor_event_nor_key() {
    let (database, items) = with_role(Role::Items).await;
    let query = "SELECT * FROM items_create(repeat('x', 201), '', 'key', 'r-1', NULL, NULL, NULL)";
    let error = sqlx::query(query).execute(&items).await.expect_err("201 characters are too many");
    assert_eq!(error.as_database_error().and_then(|error| error.code()).as_deref(), Some("23514"), "{error}");
    for table in ["items", "audit_outbox", "idempotency"] {
        assert_eq!(database.count(table).await, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stored_json_of_an_item_follows_every_write() {
    let (database, items) = with_role(Role::Items).await;
    let created = call(&items, "items_create", &format!("'bolt', 'a \"b\"', NULL, {CONTEXT}")).await.expect("a row");
    let json = |row: &Value| serde_json::from_str::<Value>(row["item"].as_str().expect("text")).expect("JSON");
    let item = json(&created);
    assert_eq!((&item["id"], &item["name"], &item["description"]), (&created["id"], &json!("bolt"), &json!("a \"b\"")));

    database.run("UPDATE items SET name = 'nut', json = 'stale'").await;
    let read = call(&items, "items_get", &format!("1, NULL, {CONTEXT}")).await.expect("a row");
    assert_eq!(json(&read)["name"], "nut");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_is_kept_for_exactly_a_day() {
    let (database, items) = with_role(Role::Items).await;
    let create = async || call(&items, "items_create", &format!("'bolt', '', 'key', {CONTEXT}")).await.expect("a row");
    let first = create().await;
    assert_eq!(first["outcome"], "ok");

    database.run("UPDATE idempotency SET created_at = now() - interval '23 hours 59 minutes'").await;
    let again = create().await;
    assert_eq!((&again["outcome"], &again["id"]), (&json!("replayed"), &first["id"]));

    database.run("UPDATE idempotency SET created_at = now() - interval '24 hours 1 minute'").await;
    let later = create().await;
    assert_eq!(later["outcome"], "ok");
    assert_ne!(later["id"], first["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn creates_delete_expired_idempotency_keys() {
    let (database, items) = with_role(Role::Items).await;
    let insert = "INSERT INTO idempotency SELECT";
    database
        .run(&format!(
            "{insert} 'old-' || n, '', gen_random_uuid(), n, now() - interval '25 hours' FROM generate_series(1, 15) n"
        ))
        .await;
    database.run(&format!("{insert} 'young', '', gen_random_uuid(), 99, now() - interval '1 hour'")).await;
    for key in ["a", "b"] {
        call(&items, "items_create", &format!("'bolt', '', '{key}', {CONTEXT}")).await;
    }
    assert_eq!(database.values::<String>("SELECT key FROM idempotency ORDER BY key").await, ["a", "b", "young"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_waits_for_a_concurrent_one_with_the_same_key() {
    let (database, items) = with_role(Role::Items).await;
    let mut first = items.begin().await.expect("begin");
    let query = "SELECT outcome FROM items_create('bolt', '', 'key', 'r-1', NULL, NULL, NULL)";
    sqlx::query(query).execute(&mut *first).await.expect("the first create");
    let second = tokio::spawn({
        let items = items.clone();
        async move { sqlx::query_scalar::<_, String>(query).fetch_one(&items).await }
    });
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    database.becomes(waiting, 1_i64).await;
    first.commit().await.expect("commit");
    assert_eq!(second.await.expect("no panic").expect("the second create"), "replayed");
    assert_eq!(database.count("items").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn timestamps_are_utc_in_every_time_zone_of_the_session() {
    let (database, items) = with_role(Role::Items).await;
    let mut session = items.acquire().await.expect("connect");
    sqlx::query("SET TIME ZONE 'Asia/Tokyo'").execute(&mut *session).await.expect("set the zone");
    let query = "SELECT item FROM items_create('bolt', '', NULL, 'r-1', NULL, NULL, NULL)";
    let item: String = sqlx::query_scalar(query).fetch_one(&mut *session).await.expect("create");
    let item: Value = serde_json::from_str(&item).expect("an item is JSON");
    let stored: f64 = database.value("SELECT extract(epoch FROM created_at)::float8 FROM items").await;
    let shown = item["created_at"].as_str().expect("text");
    assert!(shown.ends_with('Z'), "{shown} is not UTC");
    let shown: f64 = database.value(&format!("SELECT extract(epoch FROM '{shown}'::timestamptz)::float8")).await;
    assert_eq!(shown, stored);
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("a clock after 1970");
    assert!(now.abs_diff(Duration::from_secs_f64(stored)) < Duration::from_secs(60), "{stored} is not now");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_of_the_full_list_has_at_most_500_items_and_a_mebibyte() {
    let (database, items) = with_role(Role::Items).await;
    database.insert_items(1_100, "''").await;
    assert_eq!(chunks(&items, 1_050).await, [500, 500, 50]);
    database.run("TRUNCATE items RESTART IDENTITY").await;
    // The largest description: 10 000 control characters, six bytes each in JSON.
    database.insert_items(40, "repeat(E'\\x01', 10000)").await;
    assert_eq!(chunks(&items, 40).await, [17, 17, 6]);
}

/// Reads all items up to `last` in chunks, checks their order and size, and returns how many items each has.
async fn chunks(items: &PgPool, last: i64) -> Vec<usize> {
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
