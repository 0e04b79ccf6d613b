//! An error behind the head cuts the connection: a client must never take half a list for the whole.

use sqlx::{Connection, PgConnection};
use support::{App, Item, SOON, SlowReader};

use super::{large_list, list};

/// Half a list, that looks like it.
async fn ends_unfinished(app: &App, reader: SlowReader) {
    let answer = reader.finish().await;
    assert_eq!(answer.status, 200, "the head left before the error");
    assert!(!answer.whole, "a list cut short at {} bytes looks whole", answer.body.len());
    assert!(serde_json::from_str::<Vec<Item>>(&answer.body).is_err(), "even what came is no valid list");
    app.audited(1, SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_whose_next_part_cannot_be_read_is_cut_off() {
    let app = large_list().await;
    let mut reader = SlowReader::get(app.address(), "/items").await;
    reader.begin().await;
    app.database().run("REVOKE EXECUTE ON FUNCTION items_chunk FROM items").await;
    ends_unfinished(&app, reader).await;
    app.database().run("GRANT EXECUTE ON FUNCTION items_chunk TO items").await;
    assert_eq!(list(&app, "/items", SOON).await.len(), 2_500, "the next list is whole again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_waits_too_long_for_a_lock_is_cut_off() {
    let app = large_list().await;
    let mut reader = SlowReader::get(app.address(), "/items").await;
    reader.begin().await;
    let mut locker: PgConnection = app.db().acquire().await.expect("a connection").detach();
    let mut lock = locker.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE items IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.expect("lock the table");
    ends_unfinished(&app, reader).await;
    lock.rollback().await.expect("unlock the table");
    assert_eq!(list(&app, "/items", SOON).await.len(), 2_500, "the next list is whole again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_whose_connection_to_the_database_dies_goes_on_with_another_or_is_cut_off() {
    let app = large_list().await;
    let mut reader = SlowReader::get(app.address(), "/items").await;
    reader.begin().await;
    app.database().run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'items' AND datname = current_database()").await;
    let answer = reader.finish().await;
    let items = serde_json::from_str::<Vec<Item>>(&answer.body);
    assert_eq!(answer.whole, items.is_ok_and(|items| items.len() == 2_500), "whole exactly when all of it came");
    assert_eq!(list(&app, "/items", SOON).await.len(), 2_500, "the next list is whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_fails_at_its_first_part_does_not_look_empty() {
    let app = large_list().await;
    app.database().run("REVOKE EXECUTE ON FUNCTION items_chunk FROM items").await;
    let answer = app.http().get(app.url("/items")).send().await;
    let whole = match answer {
        Ok(answer) if answer.status() == 503 => None,
        Ok(answer) => answer.text().await.ok(),
        Err(_) => None,
    };
    assert_eq!(whole, None);
}
