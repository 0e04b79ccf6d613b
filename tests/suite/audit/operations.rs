//! Every operation leaves exactly one row, and the row records what happened.

use std::time::Duration;

use futures::{StreamExt, stream};
use reqwest::RequestBuilder;
use sqlx::{Column, Row};
use support::{App, Method, Response, SOON, json};

/// The trail is complete this long after the last response.
const COMPLETE: Duration = Duration::from_secs(2);
const ROUNDS: usize = 20;
const CONCURRENT: usize = 32;
/// No item has this id.
const MISSING: i64 = 1 << 60;

/// What one operation leaves in the trail: request id, trace id, action and outcome, item id.
type Left = (String, Option<String>, String, Option<i64>);

/// Sends operations, each with a request id of its own.
struct Operations<'a> {
    app: &'a App,
    round: usize,
    expected: Vec<Left>,
}

impl Operations<'_> {
    /// Sends one and notes what it should leave. `outcome` is as in `get ok`; the item of `create ok` is in the
    /// response.
    async fn run(&mut self, request: RequestBuilder, status: u16, outcome: &str, item: Option<i64>) -> Response {
        let number = self.expected.len();
        let request_id = format!("round-{}-{number}", self.round);
        let mut request = request.header("x-request-id", &request_id).header("spin-client-addr", "6.6.6.6:666");
        let trace_id = number.is_multiple_of(2).then(|| format!("{:032x}", 0xa0_0000 + number));
        if let Some(trace) = &trace_id {
            request = request.header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"));
        }
        let response = self.app.send(request).await;
        assert_eq!(response.status, status, "{outcome}: {response:?}");
        assert_eq!(response.header("x-request-id"), request_id, "{response:?}");
        let item = if outcome == "create ok" { Some(response.item().id) } else { item };
        self.expected.push((request_id, trace_id, outcome.into(), item));
        response
    }
}

/// Runs one operation of every action and outcome, with refused requests among them.
async fn every_outcome(app: &App, round: usize) -> Vec<Left> {
    let mut all = Operations { app, round, expected: Vec::new() };
    let key = format!("key-{round}");
    let create = |name: &str| app.request(Method::POST, "/items").json(&json!({ "name": name }));
    let keyed = |name: &str| create(name).header("idempotency-key", &key);
    let item = |method: Method, id: i64| app.request(method, &format!("/items/{id}"));
    let put = |id: i64| item(Method::PUT, id).json(&json!({ "name": "changed" }));

    let one = all.run(create("one"), 201, "create ok", None).await.item().id;
    let two = all.run(keyed("two"), 201, "create ok", None).await.item().id;
    refused(app, round, one).await;
    let [first, second] = [app.database().tag(1).await, app.database().tag(2).await];
    for (request, status, outcome, id) in [
        (keyed("two"), 201, "create replayed", Some(two)),
        (keyed("else"), 422, "create key_conflict", Some(two)),
        (item(Method::GET, one), 200, "get ok", Some(one)),
        (item(Method::HEAD, one), 200, "get ok", Some(one)),
        (item(Method::GET, one).header("if-none-match", &first), 304, "get not_modified", Some(one)),
        (item(Method::GET, MISSING), 404, "get not_found", Some(MISSING)),
        (put(one), 200, "update ok", Some(one)),
        (put(one).header("if-match", &first), 412, "update precondition_failed", Some(one)),
        (put(MISSING), 404, "update not_found", Some(MISSING)),
        (item(Method::DELETE, one).header("if-match", &first), 412, "delete precondition_failed", Some(one)),
        (item(Method::DELETE, one).header("if-match", &second), 204, "delete ok", Some(one)),
        (item(Method::DELETE, one), 404, "delete not_found", Some(one)),
        (app.request(Method::GET, "/items?limit=3"), 200, "list ok", None),
        (app.request(Method::GET, "/items"), 200, "list ok", None),
        (app.request(Method::HEAD, "/items"), 200, "list ok", None),
    ] {
        all.run(request, status, outcome, id).await;
    }
    all.expected
}

/// Sends requests that are not operations: the trail must have nothing about them.
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
        let response = app.send(request.header("x-request-id", format!("refused-{round}-{number}"))).await;
        assert_eq!(response.status, status, "{response:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_leaves_exactly_one_row_within_two_seconds() {
    let app = App::start().await;
    let rounds = stream::iter(0..ROUNDS).map(|round| every_outcome(&app, round)).buffer_unordered(CONCURRENT);
    let mut expected: Vec<Left> = rounds.concat().await;
    app.audited(expected.len() as i64, COMPLETE).await;
    let trail = app.database().trail().await;
    for row in &trail {
        assert_eq!(row.client_addr.as_deref(), Some("127.0.0.1"), "the address is that of the connection: {row:?}");
    }
    let left =
        |row: support::Audited| (row.request_id, row.trace_id, format!("{} {}", row.action, row.outcome), row.item_id);
    let mut stored: Vec<Left> = trail.into_iter().map(left).collect();
    expected.sort();
    stored.sort();
    for (stored, expected) in stored.iter().zip(&expected) {
        assert_eq!(stored, expected);
    }
    app.database().check_trail(expected.into_iter().map(|(request_id, ..)| request_id)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_query_that_people_run_shows_the_latest_operations_first() {
    let app = App::start().await;
    let item = app.create("bolt").await;
    app.get("/items").await;
    app.audited(2, SOON).await;
    let query = "SELECT * FROM audit_logs ORDER BY created_at DESC LIMIT 5";
    let rows = sqlx::query(query).fetch_all(app.db()).await.expect("read the trail");
    let seen: Vec<(String, String, Option<i64>)> =
        rows.iter().map(|row| (row.get("action"), row.get("outcome"), row.get("item_id"))).collect();
    assert_eq!(seen, [("list".into(), "ok".into(), None), ("create".into(), "ok".into(), Some(item.id))]);
    let columns: Vec<&str> = rows[0].columns().iter().map(|column| column.name()).collect();
    assert_eq!(columns.last(), Some(&"details"), "the widest column comes last: {columns:?}");
}
