//! The whole list: complete, in bounded memory, and never half an answer that looks whole.

use std::time::{Duration, Instant};

use futures::future::join_all;
use host::Limits;
use support::{App, Item, SOON, SlowReader, eventually};
use tokio::time::timeout;

mod cut;

/// Far below what the lists of these tests take.
const LITTLE_MEMORY: usize = 16 << 20;
/// More than the connections a host has to one database.
const MANY: usize = 80;

/// Puts `count` items into the table, named by their numbers.
async fn fill(app: &App, count: usize, description: &str) {
    app.database()
        .run(&format!(
            "INSERT INTO items (name, description, created_at, updated_at)
             SELECT 'item ' || n, {description}, now(), now() FROM generate_series(1, {count}) AS n"
        ))
        .await;
}

/// About 25 MB of items: neither a guest nor the buffers of a connection hold as much.
async fn large_list() -> App {
    let app = App::builder().limits(little_memory()).start().await;
    fill(&app, 2_500, "repeat('0123456789', 1000)").await;
    app
}

fn little_memory() -> Limits {
    let mut limits = Limits::default();
    limits.memory = LITTLE_MEMORY;
    limits
}

/// The whole list, with a deadline of its own.
async fn list(app: &App, path: &str, deadline: Duration) -> Vec<Item> {
    let read =
        async { app.http().get(app.url(path)).send().await.expect("an answer").bytes().await.expect("a whole body") };
    let body = timeout(deadline, read).await.unwrap_or_else(|_| panic!("GET {path} takes longer than {deadline:?}"));
    serde_json::from_slice(&body).expect("a list of items")
}

fn ids(items: &[Item]) -> Vec<i64> {
    items.iter().map(|item| item.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_a_hundred_thousand_items_is_complete_and_ordered_in_little_memory() {
    let app = App::builder().limits(little_memory()).start().await;
    fill(&app, 100_000, "''").await;
    let items = list(&app, "/items", Duration::from_secs(20)).await;
    assert_eq!(items.len(), 100_000);
    for (position, item) in items.iter().enumerate() {
        assert_eq!((item.id, item.name.as_str()), (position as i64 + 1, format!("item {}", position + 1).as_str()));
    }
    app.audited(1, SOON).await;
    assert_eq!(app.database().trail().await[0].details["items"], 100_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_larger_than_the_memory_of_a_guest_arrives_whole() {
    let app = large_list().await;
    let items = list(&app, "/items", Duration::from_secs(20)).await;
    assert_eq!(ids(&items), (1..=2_500).collect::<Vec<i64>>());
    assert!(items.iter().all(|item| item.description.len() == 10_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn paging_gives_what_the_whole_list_gives() {
    let app = App::start().await;
    fill(&app, 1_025, "'d'").await;
    app.database().run("DELETE FROM items WHERE id % 5 = 0").await;
    let whole = app.get("/items").await.items();
    assert_eq!(whole.len(), 820);
    for first in ["/items?limit=100", "/items?limit=41", "/items?limit=820", "/items?limit=1000"] {
        let (mut paged, mut next) = (Vec::new(), Some(first.to_owned()));
        while let Some(path) = next {
            let page = app.get(&path).await;
            paged.extend(page.items());
            next = page.find("link").map(|link| {
                let target = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
                target.unwrap_or_else(|| panic!("not a link to the next page: {link}")).to_owned()
            });
            assert!(paged.len() <= whole.len(), "paging does not end");
        }
        assert_eq!(paged, whole, "{first}");
    }
    for after in [0, 1, 5, 512, 1_023, 1_024, 5_000] {
        let rest: Vec<Item> = whole.iter().filter(|item| item.id > after).cloned().collect();
        assert_eq!(app.get(&format!("/items?after={after}")).await.items(), rest, "after {after}");
        let page = app.get(&format!("/items?after={after}&limit=7")).await.items();
        assert_eq!(page, rest[..rest.len().min(7)], "a page after {after}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_come_and_go_meanwhile_do_not_disturb_a_list() {
    let app = large_list().await;
    let mut reader = SlowReader::get(app.address(), "/items").await;
    reader.begin().await;
    let (changed, created) = (2_400, app.create("late").await);
    assert_eq!(app.delete("/items/2450").await.status, 204);
    assert_eq!(app.put(&format!("/items/{changed}"), serde_json::json!({ "name": "changed" })).await.status, 200);
    app.database().run("DELETE FROM items WHERE id BETWEEN 2451 AND 2600 AND name <> 'late'").await;
    let answer = reader.finish().await;
    assert!(answer.whole);
    let items: Vec<Item> = serde_json::from_str(&answer.body).expect("a list of items");
    assert_eq!(ids(&items), (1..2_450).collect::<Vec<i64>>(), "what is gone is not in it, nor what came late");
    assert_eq!(items[changed as usize - 1].name, "changed");
    assert_eq!(list(&app, "/items?after=2449", SOON).await, [created]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_ends_at_its_last_chunk_is_a_whole_one() {
    let app = App::start().await;
    for count in [0, 1, 499, 500, 501, 1_000] {
        app.database().run("TRUNCATE items RESTART IDENTITY").await;
        fill(&app, count, "''").await;
        let reader = SlowReader::get(app.address(), "/items").await;
        let answer = reader.finish().await;
        assert!(answer.whole, "{count} items");
        let items: Vec<Item> = serde_json::from_str(&answer.body).expect("a list of items");
        assert_eq!(items.len(), count);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_answers_while_many_clients_read_slowly() {
    let app = large_list().await;
    let readers = join_all((0..MANY).map(|_| async {
        let mut reader = SlowReader::get(app.address(), "/items").await;
        reader.begin().await;
        reader
    }))
    .await;
    // At first each reader has its share of chunks fetched; then all of them stall, and hold nothing in the database.
    let busy = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'items' AND datname = current_database() AND state <> 'idle'";
    eventually("all readers stalled", SOON, async || {
        match sqlx::query_scalar::<_, i64>(busy).fetch_one(app.db()).await {
            Ok(0) => Ok(()),
            busy => Err(format!("{busy:?} statements run")),
        }
    })
    .await;
    for number in 0..50 {
        let start = Instant::now();
        app.create(&format!("item {number}")).await;
        // A connection that a stalled reader held would be free after 10 s, when its write is given up.
        assert!(start.elapsed() < Duration::from_secs(5), "operation {number} took {:?}", start.elapsed());
    }
    // The first reader got the lease and cannot relay before its answer is read: the lease has to pass on.
    app.audited(MANY as i64 + 50, SOON).await;
    drop(readers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_leaves_its_event_and_does_not_end_the_relay() {
    let app = large_list().await;
    let mut reader = SlowReader::get(app.address(), "/items").await;
    reader.begin().await;
    drop(reader);
    // No other request, not even a probe: whoever stores this event is the instance whose client has gone.
    eventually("the event of the interrupted list", SOON, async || match app.database().count("audit_logs").await {
        1 => Ok(()),
        stored => Err(format!("{stored} events, {:?}", app.database().lease().await)),
    })
    .await;
    eventually("the lease given back", SOON, async || match app.database().lease().await {
        lease if lease.holder.is_none() => Ok(()),
        lease => Err(format!("{lease:?}")),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_hang_up_leave_no_connection_and_no_guest_behind() {
    let mut limits = little_memory();
    limits.instances = 16;
    limits.queue_wait = SOON;
    let app = App::builder().limits(limits).start().await;
    fill(&app, 2_500, "repeat('0123456789', 1000)").await;
    join_all((0..MANY).map(|_| async {
        let mut reader = SlowReader::get(app.address(), "/items").await;
        reader.begin().await;
    }))
    .await;
    for _ in 0..10 {
        join_all((0..8).map(|_| app.create("after"))).await;
    }
    app.audited(MANY as i64 + 80, SOON).await;
}
