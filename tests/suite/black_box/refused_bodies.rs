//! Bodies that are refused. All of them, in every framing: `api/bodies.rs`.

use support::{Method, Service};

use super::refused;

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_an_item_is_refused_by_what_is_wrong_with_it() {
    let service = Service::start().await;
    let path = format!("/items/{}", service.create().await.id);
    let json = "application/json";
    for (body, kind, status, named) in [
        ("{\"name\":\"bolt\"", json, 400, "body"),
        (r#"{"name":"nut","name":"bolt"}"#, json, 400, "body"),
        (r#"{"name":"\ud800"}"#, json, 400, "body"),
        ("[]", json, 422, "body"),
        (r#"{"name":""}"#, json, 422, "name"),
        (r#"{"name":"bolt","description":1}"#, json, 422, "description"),
        (r#"{"name":"bolt","price":1}"#, json, 422, "price"),
        (r#"{"name":"bolt"}"#, "text/plain", 415, "Content-Type"),
    ] {
        for (method, path) in [(Method::POST, "/items"), (Method::PUT, &*path)] {
            let request = service.request(method, path).header("Content-Type", kind).body(body);
            refused(&service, body, request, status, named).await;
        }
    }
    let large = format!("{}{{\"name\":\"bolt\"}}", " ".repeat(64 << 10));
    let request = service.request(Method::POST, "/items").header("Content-Type", json).body(large);
    // An ingress may refuse it first, in its own words.
    assert_eq!(service.send_unchecked(request).await.2.status, 413);
    service.complete().await;
}
