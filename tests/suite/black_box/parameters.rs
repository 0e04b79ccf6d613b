//! Ids in the path, and parameters in the query.

use support::{Method, Service, json};

use super::refused;

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_not_a_positive_integer_answers_400() {
    let service = Service::start().await;
    let ids = "0 -1 text 1.0 1e0 +1 0x1 1%20 9223372036854775808 99999999999999999999999999 \u{661} 1,2 null";
    for id in ids.split(' ') {
        let path = format!("/items/{id}");
        refused(&service, id, service.request(Method::GET, &path), 400, "id").await;
        refused(&service, id, service.request(Method::PUT, &path).json(&json!({ "name": "nut" })), 400, "id").await;
        refused(&service, id, service.request(Method::DELETE, &path), 400, "id").await;
        assert_eq!(service.send(service.request(Method::HEAD, &path)).await.status, 400, "HEAD {id}");
    }
    service.complete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_with_an_unknown_repeated_or_wrong_parameter_answers_400() {
    let service = Service::start().await;
    for (named, queries) in [
        ("limit", "limit=0 limit=1001 limit=-1 limit=text limit= limit limit=1.5 limit=+1 limit=99999999999999999999"),
        ("limit", "limit=1&limit=1 limit=1&limit=2"),
        ("after", "after=-1 after=text after= after=9223372036854775808 after=1&after=1"),
        ("offset", "offset=1"),
        ("page", "limit=1&page=2"),
        ("Limit", "Limit=1"),
    ] {
        for query in queries.split(' ') {
            refused(&service, query, service.request(Method::GET, &format!("/items?{query}")), 400, named).await;
        }
    }
    let (name, item) = (json!({ "name": "nut" }), service.create().await);
    let path = |query: &str| format!("/items/{}?{query}", item.id);
    for (what, request, named) in [
        ("get", service.request(Method::GET, &path("limit=1")), "limit"),
        ("delete", service.request(Method::DELETE, &path("force=1")), "force"),
        ("update", service.request(Method::PUT, &path("force=1")).json(&name), "force"),
        ("create", service.request(Method::POST, "/items?limit=1").json(&name), "limit"),
    ] {
        refused(&service, what, request, 400, named).await;
    }
    service.complete().await;
}
