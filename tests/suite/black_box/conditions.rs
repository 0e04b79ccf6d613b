//! `ETag` with `If-Match` and `If-None-Match`. Lists of tags and weak ones: `api/conditions.rs`.

use support::{Method, Service, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_known_version_is_not_sent_again_and_a_stale_one_changes_nothing() {
    let service = Service::start().await;
    let created = service.post(json!({ "name": service.mark() })).await;
    let (path, first) = (created.header("location"), created.header("etag"));
    let on = |method: Method, header: &str, tag: &str| service.request(method, path).header(header, tag);
    let known = service.send(on(Method::GET, "If-None-Match", first)).await;
    assert_eq!((known.status.as_u16(), known.text.as_str(), known.header("etag")), (304, "", first));

    let updated = service.send(on(Method::PUT, "If-Match", first).json(&json!({ "name": "new" }))).await;
    assert_eq!(updated.status, 200, "{updated:?}");
    let second = updated.header("etag");
    for stale in [
        on(Method::PUT, "If-Match", first).json(&json!({ "name": "lost" })),
        on(Method::DELETE, "If-Match", first),
        on(Method::DELETE, "If-Match", "\"none\""),
    ] {
        assert_eq!(service.send(stale).await.status, 412);
    }
    let read = service.send(on(Method::GET, "If-None-Match", first)).await;
    assert_eq!((read.status.as_u16(), read.item().name.as_str(), read.header("etag")), (200, "new", second));
    assert_eq!(service.send(on(Method::DELETE, "If-Match", second)).await.status, 204);
    service.complete().await;
}
