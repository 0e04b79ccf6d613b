//! `PUT /items/{id}`. Refused bodies: `bodies.rs`; `If-Match`: `conditions.rs`.

use support::{Service, StatusCode, json};

#[tokio::test(flavor = "multi_thread")]
async fn updating_an_item_replaces_it_and_increments_its_version() {
    let service = Service::start().await;
    let created = service.post(json!({ "name": "bolt", "description": "M6" })).await;
    let first = created.item();
    let path = format!("/items/{}", first.id);
    let response = service.put(&path, json!({ "name": "nut" })).await;
    assert_eq!(response.status, StatusCode::OK);
    let tag = response.header("etag");
    assert_ne!(tag, created.header("etag"));
    let second = response.item();
    assert_eq!((second.id, second.name.as_str(), second.description.as_str()), (first.id, "nut", ""));
    assert_eq!(second.created_at, first.created_at);
    assert!(second.updated_at > first.updated_at, "{second:?}");

    let stored = service.get(&path).await;
    assert_eq!((stored.item(), stored.header("etag")), (second, tag));
    service.complete().await;
}
