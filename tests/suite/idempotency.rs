//! `Idempotency-Key`: creating again without creating twice.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use support::{Answer, App, SOON};

async fn create(app: &App, key: &str, body: Value) -> Answer {
    app.send(app.request(Method::POST, "/items").header("Idempotency-Key", key).json(&body)).await
}

/// What a client sees of the first answer, and sees again.
#[track_caller]
fn seen(answer: &Answer) -> (StatusCode, &str, &str, &str) {
    (answer.status, answer.header("location"), answer.header("etag"), &answer.text)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_and_body_give_the_first_answer_and_create_nothing() {
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
async fn the_first_answer_stands_though_the_item_was_changed_and_deleted_since() {
    let app = App::start().await;
    let first = create(&app, "key", json!({ "name": "bolt", "description": "M6" })).await;
    let path = first.header("location");
    app.put(path, json!({ "name": "nut" })).await;
    assert_eq!(seen(&create(&app, "key", json!({ "name": "bolt", "description": "M6" })).await), seen(&first));
    app.delete(path).await;
    assert_eq!(seen(&create(&app, "key", json!({ "name": "bolt", "description": "M6" })).await), seen(&first));
    assert_eq!(app.database().count("items").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_values_written_otherwise_are_the_same_body() {
    let app = App::start().await;
    let first = create(&app, "key", json!({ "name": "bolt" })).await;
    for body in [r#"{"name":"bolt","description":""}"#, " {\n\"description\" : \"\", \"name\" : \"\\u0062olt\" } "] {
        let request = app
            .request(Method::POST, "/items")
            .header("Idempotency-Key", "key")
            .header("Content-Type", "application/json")
            .body(body);
        assert_eq!(seen(&app.send(request).await), seen(&first), "{body}");
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
        let answer = create(&app, "key", body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.problem().to_string().contains("Idempotency-Key"), "{answer:?}");
    }
    assert_eq!(app.database().count("items").await, 1);
    app.audited(4, SOON).await;
    assert_eq!(app.database().tally().await["create key_conflict"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_keys_and_no_key_create_each_time() {
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
async fn many_creates_at_once_with_one_key_create_one_item() {
    let app = App::start().await;
    let other = app.beside().await;
    let answers = futures::future::join_all(
        (0..16).map(|n| create(if n % 2 == 0 { &app } else { &other }, "key", json!({ "name": "bolt" }))),
    )
    .await;
    for answer in &answers {
        assert_eq!(seen(answer), seen(&answers[0]));
    }
    assert_eq!(answers[0].status, StatusCode::CREATED);
    assert_eq!(app.database().count("items").await, 1);
    app.audited(16, SOON).await;
    assert_eq!(app.database().tally().await["create replayed"], 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_body_leaves_its_key_free() {
    let app = App::start().await;
    assert_eq!(create(&app, "key", json!({ "name": "" })).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(create(&app, "key", json!({ "name": "bolt" })).await.status, StatusCode::CREATED);
}
