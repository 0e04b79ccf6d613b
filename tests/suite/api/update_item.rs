//! `PUT /items/{id}`. Refused bodies: `bodies.rs`; `If-Match`: `conditions.rs`.

use support::{App, StatusCode, json};

#[tokio::test(flavor = "multi_thread")]
async fn updating_an_item_replaces_it_and_increments_its_version() {
    let app = App::start().await;
    let first = app.post(json!({ "name": "bolt", "description": "M6" })).await.item();
    let path = format!("/items/{}", first.id);
    let response = app.put(&path, json!({ "name": "nut" })).await;
    assert_eq!(response.status, StatusCode::OK);
    let tag = app.database().tag(2).await;
    assert_eq!(response.header("etag"), tag);
    let second = response.item();
    assert_eq!((second.id, second.name.as_str(), second.description.as_str()), (first.id, "nut", ""));
    assert_eq!(second.created_at, first.created_at);
    assert!(second.updated_at > first.updated_at, "{second:?}");

    let stored = app.get(&path).await;
    assert_eq!((stored.item(), stored.header("etag")), (second, &*tag));
}
