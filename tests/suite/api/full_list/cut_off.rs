//! An error behind the head cuts the connection: a client must never take a part of the list for all of it.

use sqlx::{Connection, PgConnection};
use support::{App, Item, SOON, SlowReader};

use super::{large_list, list};

/// Checks that a list was cut off, that what came is no valid list, and that the next one is complete.
async fn ends_unfinished(app: &App, reader: SlowReader) {
    assert_eq!(reader.status(), 200, "the head was sent before the error");
    let part = reader.finish().await.expect_err("the connection is cut");
    assert!(serde_json::from_str::<Vec<Item>>(&part).is_err(), "{} bytes are a valid list", part.len());
    app.audited(1, SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_list_whose_next_chunk_cannot_be_read_is_cut_off() {
    let app = large_list().await;
    let reader = app.read_slowly("/items").await;
    app.database().run("REVOKE EXECUTE ON FUNCTION items_chunk FROM items").await;
    ends_unfinished(&app, reader).await;
    app.database().run("GRANT EXECUTE ON FUNCTION items_chunk TO items").await;
    assert_eq!(list(&app, "/items").await.len(), 2_500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_list_that_waits_too_long_for_a_lock_is_cut_off() {
    let app = large_list().await;
    let reader = app.read_slowly("/items").await;
    let mut locker: PgConnection = app.db().acquire().await.expect("a connection").detach();
    let mut lock = locker.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE items IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.expect("lock the table");
    ends_unfinished(&app, reader).await;
    lock.rollback().await.expect("unlock the table");
    assert_eq!(list(&app, "/items").await.len(), 2_500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_list_whose_database_connection_dies_goes_on_with_another_or_is_cut_off() {
    let app = large_list().await;
    let reader = app.read_slowly("/items").await;
    app.database().run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'items' AND datname = current_database()").await;
    match reader.finish().await {
        Ok(all) => assert_eq!(serde_json::from_str::<Vec<Item>>(&all).expect("a list of items").len(), 2_500),
        Err(part) => assert!(serde_json::from_str::<Vec<Item>>(&part).is_err(), "a part is a valid list"),
    }
    assert_eq!(list(&app, "/items").await.len(), 2_500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_list_that_fails_at_its_first_chunk_does_not_look_empty() {
    let app = large_list().await;
    app.database().run("REVOKE EXECUTE ON FUNCTION items_chunk FROM items").await;
    let complete = match app.http().get(app.url("/items")).send().await {
        Ok(response) if response.status() == 503 => None,
        Ok(response) => response.text().await.ok(),
        Err(_) => None,
    };
    assert_eq!(complete, None);
}
