//! Every operation leaves exactly one row, and the row says what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::{StreamExt, stream};
use http::Method;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use sqlx::{Column, Row};
use support::{Answer, App, SOON};

mod details;
mod service;

/// The trail is complete this long after the last answer.
const PROMISED: Duration = Duration::from_secs(2);
const ROUNDS: usize = 20;
const CONCURRENT: usize = 32;
/// No item has such an id.
const MISSING: i64 = 1 << 60;

/// What one operation should leave behind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Expected {
    request_id: String,
    trace_id: Option<String>,
    action: String,
    outcome: String,
    item_id: Option<i64>,
}

/// Sends operations under request ids of their own and keeps what they should leave behind.
struct Operations<'a> {
    app: &'a App,
    round: String,
    expected: Vec<Expected>,
}

impl Operations<'_> {
    /// `seen` is `ACTION OUTCOME`, as in `create ok`. Without an item id it is the one in the answer.
    async fn run(&mut self, request: RequestBuilder, status: u16, seen: &str, item_id: impl Into<Item>) -> Answer {
        let number = self.expected.len();
        let request_id = format!("{}-{number}", self.round);
        let mut request = request.header("x-request-id", &request_id).header("spin-client-addr", "6.6.6.6:666");
        let trace_id = number.is_multiple_of(2).then(|| format!("{:032x}", 0xa0_0000 + number));
        if let Some(trace) = &trace_id {
            request = request.header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"));
        }
        let answer = self.app.send(request).await;
        assert_eq!(answer.status, status, "{seen}: {answer:?}");
        assert_eq!(answer.header("x-request-id"), request_id, "{answer:?}");
        let (action, outcome) = seen.split_once(' ').expect("an action and an outcome");
        let item_id = match item_id.into() {
            Item::None => None,
            Item::Known(id) => Some(id),
            Item::Answered => Some(answer.item().id),
        };
        self.expected.push(Expected { request_id, trace_id, action: action.into(), outcome: outcome.into(), item_id });
        answer
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.app.request(method, path)
    }

    fn item(&self, method: Method, id: i64) -> RequestBuilder {
        self.request(method, &format!("/items/{id}"))
    }

    fn create(&self, name: &str) -> RequestBuilder {
        self.request(Method::POST, "/items").json(&json!({ "name": name }))
    }
}

enum Item {
    None,
    Known(i64),
    Answered,
}

impl From<i64> for Item {
    fn from(id: i64) -> Item {
        Item::Known(id)
    }
}

/// One operation of every kind, with refused input among them.
async fn every_kind(app: &App, round: usize) -> Vec<Expected> {
    let mut all = Operations { app, round: format!("round-{round}"), expected: Vec::new() };
    let key = format!("key-{round}");
    let one = all.run(all.create("one"), 201, "create ok", Item::Answered).await.item().id;
    let two =
        all.run(all.create("two").header("idempotency-key", &key), 201, "create ok", Item::Answered).await.item().id;
    all.run(all.create("two").header("idempotency-key", &key), 201, "create replayed", two).await;
    all.run(all.create("else").header("idempotency-key", &key), 422, "create key_conflict", two).await;
    refused(app, round, one).await;
    all.run(all.item(Method::GET, one), 200, "get ok", one).await;
    all.run(all.item(Method::HEAD, one), 200, "get ok", one).await;
    all.run(all.item(Method::GET, one).header("if-none-match", "\"1\""), 304, "get not_modified", one).await;
    all.run(all.item(Method::GET, MISSING), 404, "get not_found", MISSING).await;
    let changed = json!({ "name": "changed" });
    all.run(all.item(Method::PUT, one).json(&changed), 200, "update ok", one).await;
    all.run(
        all.item(Method::PUT, one).json(&changed).header("if-match", "\"1\""),
        412,
        "update precondition_failed",
        one,
    )
    .await;
    all.run(all.item(Method::PUT, MISSING).json(&changed), 404, "update not_found", MISSING).await;
    all.run(all.item(Method::DELETE, one).header("if-match", "\"1\""), 412, "delete precondition_failed", one).await;
    all.run(all.item(Method::DELETE, one).header("if-match", "\"2\""), 204, "delete ok", one).await;
    all.run(all.item(Method::DELETE, one), 404, "delete not_found", one).await;
    all.run(all.request(Method::GET, "/items?limit=3"), 200, "list ok", Item::None).await;
    all.run(all.request(Method::GET, "/items"), 200, "list ok", Item::None).await;
    all.run(all.request(Method::HEAD, "/items"), 200, "list ok", Item::None).await;
    all.expected
}

/// Requests that are no operations: nothing of them may be in the trail.
async fn refused(app: &App, round: usize, item: i64) {
    let path = format!("/items/{item}");
    let create = || app.request(Method::POST, "/items");
    let requests = [
        (create().header("content-type", "application/json").body(""), 400),
        (app.request(Method::GET, "/items?limit=0"), 400),
        (app.request(Method::GET, &path).header("if-none-match", "1"), 400),
        (app.request(Method::GET, "/nowhere"), 404),
        (app.request(Method::PATCH, &path), 405),
        (create().json(&json!({ "name": "x".repeat(64 << 10) })), 413),
        (create().header("content-type", "text/plain").body("{}"), 415),
        (create().json(&json!({ "name": "" })), 422),
        (app.request(Method::GET, "/livez"), 200),
        (app.request(Method::OPTIONS, "/items"), 204),
    ];
    for (number, (request, status)) in requests.into_iter().enumerate() {
        let answer = app.send(request.header("x-request-id", format!("refused-{round}-{number}"))).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_leaves_exactly_one_row_within_two_seconds() {
    let app = App::start().await;
    let rounds = stream::iter(0..ROUNDS).map(|round| every_kind(&app, round)).buffer_unordered(CONCURRENT);
    let mut expected: Vec<Expected> = rounds.concat().await;
    app.audited(expected.len() as i64, PROMISED).await;
    let trail = app.database().trail().await;
    for row in &trail {
        let client = row.client_addr.as_deref().unwrap_or_default();
        assert!(client.starts_with("127.0.0.1:"), "the address is the connection's own: {row:?}");
    }
    let row = |row: support::Audited| Expected {
        request_id: row.request_id,
        trace_id: row.trace_id,
        action: row.action,
        outcome: row.outcome,
        item_id: row.item_id,
    };
    let mut stored: Vec<Expected> = trail.into_iter().map(row).collect();
    expected.sort();
    stored.sort();
    for (stored, expected) in stored.iter().zip(&expected) {
        assert_eq!(stored, expected);
    }
    app.database().check_trail(expected.into_iter().map(|row| row.request_id)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_used_by_many_at_once_is_one_creation_and_many_replays() {
    let app = App::start().await;
    let (keys, each) = (12, 16);
    let request = |number: usize| {
        let request = app.request(Method::POST, "/items").header("idempotency-key", format!("key-{}", number % keys));
        app.send(request.json(&json!({ "name": format!("item {}", number % keys) })))
    };
    let answers: Vec<Answer> = stream::iter(0..keys * each).map(request).buffer_unordered(CONCURRENT).collect().await;
    assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
    app.audited(answers.len() as i64, PROMISED).await;
    let expected = [("create ok".to_owned(), keys as i64), ("create replayed".to_owned(), (keys * (each - 1)) as i64)];
    assert_eq!(app.database().tally().await, BTreeMap::from(expected));
    let ids: BTreeSet<i64> = answers.iter().map(|answer| answer.item().id).collect();
    assert_eq!((ids.len(), app.database().count("items").await), (keys, keys as i64));
    app.database().check_totals().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_that_fail_in_the_database_are_answered_503_and_leave_nothing() {
    let app = App::start().await;
    let db = app.db();
    // The event cannot be written: neither may the item be there.
    sqlx::query("ALTER TABLE audit_outbox ADD CONSTRAINT broken CHECK (false)")
        .execute(db)
        .await
        .expect("break the outbox");
    for _ in 0..4 {
        let answer = app.post(json!({ "name": "bolt" })).await;
        assert_eq!(answer.status, 503, "{answer:?}");
        answer.problem();
        assert_eq!(app.get("/items").await.status, 503);
    }
    sqlx::query("ALTER TABLE audit_outbox DROP CONSTRAINT broken")
        .execute(db)
        .await
        .expect("the outbox can be repaired");
    assert_eq!(app.database().count("items").await, 0);
    app.create("nut").await;
    app.audited(1, SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_query_that_people_run_shows_the_latest_operations_first() {
    let app = App::start().await;
    let item = app.create("bolt").await;
    app.get("/items").await;
    app.audited(2, SOON).await;
    let rows = sqlx::query("SELECT * FROM audit_logs ORDER BY created_at DESC LIMIT 5")
        .fetch_all(app.db())
        .await
        .expect("read the trail");
    let seen: Vec<(String, String, Option<i64>)> =
        rows.iter().map(|row| (row.get("action"), row.get("outcome"), row.get("item_id"))).collect();
    assert_eq!(seen, [("list".into(), "ok".into(), None), ("create".into(), "ok".into(), Some(item.id))]);
    let columns: Vec<&str> = rows[0].columns().iter().map(|column| column.name()).collect();
    assert_eq!(columns.last(), Some(&"details"), "the widest column comes last: {columns:?}");
}

/// The details of the one row that `action` left.
async fn details(app: &App, action: &str, outcome: &str) -> Value {
    let rows = app.database().trail().await.into_iter().filter(|row| row.action == action && row.outcome == outcome);
    let mut rows: Vec<_> = rows.collect();
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0).details
}
