//! `GET /items` without a limit: the full list is streamed, complete, in bounded memory, to clients of any speed.

mod cut_off;

use std::time::{Duration, Instant};

use futures::future::join_all;
use support::{App, Item, SOON, SlowReader, json};
use tokio::time::timeout;

/// Linear memory of an instance in these tests, far below the size of their lists.
const MEMORY: usize = 16 << 20;
/// More than the connections of a host to one database.
const MANY: usize = 80;

/// About 25 MB of items: more than an instance and the buffers of a connection can hold.
async fn large_list() -> App {
    let app = App::builder().limits(|limits| limits.memory = MEMORY).start().await;
    app.database().insert_items(2_500, "repeat('0123456789', 1000)").await;
    app
}

/// Reads a list without the checks of [`App::get`], which take long for a large one.
async fn list(app: &App, path: &str) -> Vec<Item> {
    let deadline = Duration::from_secs(20);
    let read = async { app.http().get(app.url(path)).send().await?.bytes().await };
    let body = timeout(deadline, read).await.unwrap_or_else(|_| panic!("GET {path} takes longer than {deadline:?}"));
    serde_json::from_slice(&body.expect("a whole body")).expect("a list of items")
}

fn ids(items: &[Item]) -> Vec<i64> {
    items.iter().map(|item| item.id).collect()
}

/// That many clients have read the beginning of the full list.
async fn slow_readers(app: &App) -> Vec<SlowReader> {
    join_all((0..MANY).map(|_| app.read_slowly("/items"))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_list_of_a_hundred_thousand_items_is_complete_and_ordered_in_little_memory() {
    let app = App::builder().limits(|limits| limits.memory = MEMORY).start().await;
    app.database().insert_items(100_000, "''").await;
    let items = list(&app, "/items").await;
    assert_eq!(items.len(), 100_000);
    for (item, id) in items.iter().zip(1..) {
        assert_eq!((item.id, &item.name), (id, &format!("item {id}")));
    }
    app.audited(1, SOON).await;
    assert_eq!(app.database().trail().await[0].details["items"], 100_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_list_larger_than_the_memory_of_an_instance_is_complete() {
    let app = large_list().await;
    let items = list(&app, "/items").await;
    assert_eq!(ids(&items), (1..=2_500).collect::<Vec<i64>>());
    assert!(items.iter().all(|item| item.description.len() == 10_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_list_of_any_number_of_chunks_is_complete() {
    let app = App::start().await;
    for count in [0, 1, 499, 500, 501, 1_000] {
        app.database().run("TRUNCATE items RESTART IDENTITY").await;
        app.database().insert_items(count, "''").await;
        assert_eq!(app.get("/items").await.items().len(), count);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_list_has_no_item_that_was_created_after_it_began_and_none_that_was_deleted_before_its_turn() {
    let app = large_list().await;
    let reader = app.read_slowly("/items").await;
    let (changed, created) = (2_400, app.create("late").await);
    assert_eq!(app.delete("/items/2450").await.status, 204);
    assert_eq!(app.put(&format!("/items/{changed}"), json!({ "name": "changed" })).await.status, 200);
    app.database().run("DELETE FROM items WHERE id BETWEEN 2451 AND 2600 AND name <> 'late'").await;
    let items: Vec<Item> = serde_json::from_str(&reader.finish().await.expect("the full list")).expect("items");
    assert_eq!(ids(&items), (1..2_450).collect::<Vec<i64>>());
    assert_eq!(items[changed - 1].name, "changed");
    assert_eq!(list(&app, "/items?after=2449").await, [created]);
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_go_on_while_many_clients_read_the_full_list_slowly() {
    let app = large_list().await;
    let readers = slow_readers(&app).await;
    // Until its buffers are full, each reader still fetches chunks. Then all of them wait and use no connection.
    let busy = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'items' AND datname = current_database() AND state <> 'idle'";
    app.database().becomes(busy, 0_i64).await;
    for number in 0..50 {
        let start = Instant::now();
        app.create(&format!("item {number}")).await;
        // A connection held by a slow reader would be free after 10 s, when its write is given up.
        assert!(start.elapsed() < Duration::from_secs(5), "operation {number} took {:?}", start.elapsed());
    }
    // The first reader's instance got the lease and cannot relay while it writes: another one has to get it.
    app.audited(MANY as i64 + 50, SOON).await;
    drop(readers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_leaves_its_event_and_does_not_stop_the_relay() {
    let app = large_list().await;
    drop(app.read_slowly("/items").await);
    // There is no other request, not even a probe: only the instance whose client is gone can store this event.
    app.database().becomes("SELECT count(*) FROM audit_logs", 1_i64).await;
    app.database().becomes("SELECT holder IS NULL FROM relay_lease", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_hang_up_leave_no_connection_and_no_instance_behind() {
    let limits = |limits: &mut host::Limits| (limits.memory, limits.instances, limits.queue_wait) = (MEMORY, 16, SOON);
    let app = App::builder().limits(limits).start().await;
    app.database().insert_items(2_500, "repeat('0123456789', 1000)").await;
    // More readers than instances: each has to hang up before the next one gets its turn.
    join_all((0..MANY).map(async |_| drop(app.read_slowly("/items").await))).await;
    for _ in 0..10 {
        join_all((0..8).map(|_| app.create("after"))).await;
    }
    app.audited(MANY as i64 + 80, SOON).await;
}
