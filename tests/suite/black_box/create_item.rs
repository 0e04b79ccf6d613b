//! `POST /items`. Refused bodies: `bodies.rs`; `Idempotency-Key`: `idempotency.rs`.

use support::{Service, StatusCode, json};

#[tokio::test(flavor = "multi_thread")]
async fn creating_an_item_returns_it_with_its_path_and_version() {
    let service = Service::start().await;
    let created = service.post(json!({ "name": "bolt", "description": "M6" })).await;
    assert_eq!(created.status, StatusCode::CREATED);
    let item = created.item();
    assert_eq!((item.name.as_str(), item.description.as_str()), ("bolt", "M6"));
    assert_eq!(item.created_at, item.updated_at);
    assert_eq!(created.header("location"), format!("/items/{}", item.id));
    assert_eq!(created.header("etag"), service.get(created.header("location")).await.header("etag"));
    assert_eq!(created.header("content-type"), "application/json");
    service.complete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_keeps_its_text_exactly_as_it_was_sent() {
    let service = Service::start().await;
    for (name, description) in [
        ("  bolt \t", "\n\n"),
        ("n", ""),
        ("Ünïcödé 🔩", "\u{1}\u{7f}\u{2028}\u{feff}"),
        ("'; DROP TABLE items; --", "\"\\/</script>"),
        (&"🔩".repeat(200), &"x".repeat(10_000)),
        (&"e\u{301}".repeat(100), &"é".repeat(10_000)),
    ] {
        let item = service.post(json!({ "name": name, "description": description })).await.item();
        assert_eq!((item.name.as_str(), item.description.as_str()), (name, description));
        assert_eq!(service.get(&format!("/items/{}", item.id)).await.item(), item);
    }
    service.complete().await;
}
