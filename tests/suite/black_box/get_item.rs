//! `GET /items/{id}`. `If-None-Match`: `conditions.rs`.

use support::{Service, StatusCode, json};

#[tokio::test(flavor = "multi_thread")]
async fn getting_an_item_returns_what_was_created_with_its_version() {
    let service = Service::start().await;
    let created = service.post(json!({ "name": "bolt", "description": "M6" })).await;
    let response = service.get(created.header("location")).await;
    assert_eq!((response.status, response.item()), (StatusCode::OK, created.item()));
    assert_eq!(response.header("etag"), created.header("etag"));
    assert_eq!(response.header("content-type"), "application/json");
    service.complete().await;
}
