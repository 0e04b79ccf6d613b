//! `Idempotency-Key`. Simultaneous requests, actors and keys that are refused: `api/idempotency.rs`.

use support::{Method, Response, Service, StatusCode, Value, json};

async fn create(service: &Service, body: Value) -> Response {
    service.send(service.request(Method::POST, "/items").header("Idempotency-Key", service.mark()).json(&body)).await
}

/// What a client sees of the first response, and of every repetition.
#[track_caller]
fn seen(response: &Response) -> (StatusCode, &str, &str, &str) {
    (response.status, response.header("location"), response.header("etag"), &response.text)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_response_is_returned_after_the_item_was_changed_and_deleted() {
    let service = Service::start().await;
    let body = json!({ "name": service.mark(), "description": "M6" });
    let first = create(&service, body.clone()).await;
    let path = first.header("location");
    assert_eq!(seen(&create(&service, body.clone()).await), seen(&first));
    service.put(path, json!({ "name": "nut" })).await;
    assert_eq!(seen(&create(&service, body.clone()).await), seen(&first));
    service.delete(path).await;
    assert_eq!(seen(&create(&service, body).await), seen(&first));
    assert_eq!(service.get(path).await.status, StatusCode::NOT_FOUND);
    let other = create(&service, json!({ "name": "another body" })).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(other.problem().to_string().contains("Idempotency-Key"), "{other:?}");
    service.complete().await;
}
