//! `DELETE /items/{id}`. `If-Match`: `conditions.rs`.

use support::{App, StatusCode};

#[tokio::test(flavor = "multi_thread")]
async fn deleting_an_item_removes_it_and_its_id_is_never_used_again() {
    let app = App::start().await;
    let item = app.create("bolt").await;
    let path = format!("/items/{}", item.id);
    let response = app.delete(&path).await;
    assert_eq!((response.status, response.text.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(app.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.delete(&path).await.status, StatusCode::NOT_FOUND);
    assert!(app.create("nut").await.id > item.id);
}
