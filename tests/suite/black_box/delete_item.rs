//! `DELETE /items/{id}`. `If-Match`: `conditions.rs`.

use support::{Service, StatusCode};

#[tokio::test(flavor = "multi_thread")]
async fn deleting_an_item_removes_it_and_its_id_is_never_used_again() {
    let service = Service::start().await;
    let item = service.create().await;
    let path = format!("/items/{}", item.id);
    let response = service.delete(&path).await;
    assert_eq!((response.status, response.text.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(service.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(service.delete(&path).await.status, StatusCode::NOT_FOUND);
    assert!(service.create().await.id > item.id);
    service.complete().await;
}
