//! `Idempotency-Key`: a create can be repeated without creating a second item.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use support::{App, Method, Response, SOON, StatusCode, Value, json};

use super::{refused, with_an_item};

async fn create(app: &App, key: &str, body: Value) -> Response {
    app.send(app.request(Method::POST, "/items").header("Idempotency-Key", key).json(&body)).await
}

/// What a client sees of the first response, and of every repetition.
#[track_caller]
fn seen(response: &Response) -> (StatusCode, &str, &str, &str) {
    (response.status, response.header("location"), response.header("etag"), &response.text)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_and_body_return_the_first_response_and_create_nothing() {
    let app = App::start().await;
    let first = create(&app, "key", json!({ "name": "bolt" })).await;
    assert_eq!(first.status, StatusCode::CREATED);
    for _ in 0..2 {
        assert_eq!(seen(&create(&app, "key", json!({ "name": "bolt" })).await), seen(&first));
    }
    assert_eq!(app.database().count("items").await, 1);
    app.audited(3, SOON).await;
    let trail = app.database().trail().await;
    assert_eq!(trail.iter().map(|row| row.outcome.as_str()).collect::<Vec<_>>(), ["ok", "replayed", "replayed"]);
    assert!(trail.iter().all(|row| row.item_id == Some(first.item().id)), "{trail:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_response_is_returned_after_the_item_was_changed_and_deleted() {
    let app = App::start().await;
    let body = json!({ "name": "bolt", "description": "M6" });
    let first = create(&app, "key", body.clone()).await;
    let path = first.header("location");
    app.put(path, json!({ "name": "nut" })).await;
    assert_eq!(seen(&create(&app, "key", body.clone()).await), seen(&first));
    app.delete(path).await;
    assert_eq!(seen(&create(&app, "key", body).await), seen(&first));
    assert_eq!(app.database().count("items").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_values_written_differently_are_the_same_body() {
    let app = App::start().await;
    let first = create(&app, "key", json!({ "name": "bolt" })).await;
    for body in [r#"{"name":"bolt","description":""}"#, " {\n\"description\" : \"\", \"name\" : \"\\u0062olt\" } "] {
        let request = app.request(Method::POST, "/items").header("Content-Type", "application/json").body(body);
        assert_eq!(seen(&app.send(request.header("Idempotency-Key", "key")).await), seen(&first), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_with_another_body_is_refused() {
    let app = App::start().await;
    create(&app, "key", json!({ "name": "bolt" })).await;
    for body in [
        json!({ "name": "nut" }),
        json!({ "name": "bolt", "description": "M6" }),
        json!({ "name": "bol", "description": "t" }),
    ] {
        let response = create(&app, "key", body).await;
        assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(response.problem().to_string().contains("Idempotency-Key"), "{response:?}");
    }
    assert_eq!(app.database().count("items").await, 1);
    app.audited(4, SOON).await;
    assert_eq!(app.database().tally().await["create key_conflict"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn creates_with_another_key_or_without_one_create_an_item_each() {
    let app = App::start().await;
    let longest = "k".repeat(255);
    for key in ["a", "A", "550e8400-e29b-41d4-a716-446655440000", "!#$%&'*+-.^_`|~\"quoted\"", &longest] {
        assert_eq!(create(&app, key, json!({ "name": "bolt" })).await.status, StatusCode::CREATED, "{key}");
    }
    app.create("bolt").await;
    app.create("bolt").await;
    assert_eq!(app.database().count("items").await, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_actor_has_keys_of_its_own_and_all_requests_without_one_share_theirs() {
    let app = App::builder().variable("trust_actor", "true").start().await;
    let create = async |actor: &str, key: &str, name: &str| {
        let request = app.request(Method::POST, "/items").header("Idempotency-Key", key).json(&json!({ "name": name }));
        app.send(if actor.is_empty() { request } else { request.header("X-Actor", actor) }).await
    };
    let mut ids = Vec::new();
    for (actor, key) in [("alice", "key"), ("bob", "key"), ("", "key"), ("b c", "a"), ("c", "a")] {
        let first = create(actor, key, "bolt").await;
        assert_eq!(first.status, StatusCode::CREATED, "{actor}: {first:?}");
        assert_eq!(first.find("idempotency-replayed"), None, "{actor}");
        assert_eq!(seen(&create(actor, key, "bolt").await), seen(&first), "{actor}");
        assert_eq!(create(actor, key, "nut").await.status, StatusCode::UNPROCESSABLE_ENTITY, "{actor}");
        ids.push(first.item().id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 5);

    // A name that no proxy is trusted with counts for nothing.
    let app = App::start().await;
    let create = async |actor: &str| {
        let request = app.request(Method::POST, "/items").header("Idempotency-Key", "key").header("X-Actor", actor);
        app.send(request.json(&json!({ "name": "bolt" }))).await
    };
    let first = create("alice").await;
    assert_eq!(seen(&create("bob").await), seen(&first));
}

#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_creates_with_one_key_on_two_hosts_create_one_item() {
    const KEYS: usize = 12;
    const EACH: usize = 16;
    let one = &App::start().await;
    let two = &one.beside().await;
    let send = |number: usize| async move {
        let (key, app) = (number % KEYS, [one, two][number / KEYS % 2]);
        (key, create(app, &format!("key-{key}"), json!({ "name": format!("item {key}") })).await)
    };
    let responses: Vec<(usize, Response)> = stream::iter(0..KEYS * EACH).map(send).buffer_unordered(32).collect().await;
    let mut first = BTreeMap::new();
    for (key, response) in &responses {
        assert_eq!(response.status, StatusCode::CREATED, "{response:?}");
        assert_eq!(seen(response), *first.entry(key).or_insert(seen(response)));
    }
    assert_eq!(one.database().count("items").await, KEYS as i64);
    one.audited((KEYS * EACH) as i64, SOON).await;
    let expected = [("create ok".to_owned(), KEYS as i64), ("create replayed".into(), (KEYS * (EACH - 1)) as i64)];
    assert_eq!(one.database().tally().await, BTreeMap::from(expected));
    one.database().check_totals().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_body_does_not_use_up_its_key() {
    let app = App::start().await;
    assert_eq!(create(&app, "key", json!({ "name": "" })).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(create(&app, "key", json!({ "name": "bolt" })).await.status, StatusCode::CREATED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_empty_too_long_repeated_or_not_ascii_answers_400() {
    let app = with_an_item().await;
    let create =
        |key: &str| app.request(Method::POST, "/items").json(&json!({ "name": "nut" })).header("Idempotency-Key", key);
    for (what, request) in [
        ("empty", create("")),
        ("256 characters", create(&"k".repeat(256))),
        ("not ASCII", create("é")),
        ("twice", create("a").header("Idempotency-Key", "b")),
    ] {
        refused(&app, what, request, 400, "Idempotency-Key").await;
    }
}
