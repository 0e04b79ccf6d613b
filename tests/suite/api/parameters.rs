//! Ids in the path, and parameters in the query.

use support::{Method, json};

use super::{refused, with_an_item};

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_not_a_positive_integer_answers_400() {
    let app = with_an_item().await;
    let ids = "0 -1 text 1.0 1e0 +1 0x1 %31 1%20 9223372036854775808 99999999999999999999999999 \u{661} 1,2 null";
    for id in ids.split(' ') {
        let path = format!("/items/{id}");
        refused(&app, id, app.request(Method::GET, &path), 400, "id").await;
        refused(&app, id, app.request(Method::PUT, &path).json(&json!({ "name": "nut" })), 400, "id").await;
        refused(&app, id, app.request(Method::DELETE, &path), 400, "id").await;
        assert_eq!(app.send(app.request(Method::HEAD, &path)).await.status, 400, "HEAD {id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_with_an_unknown_repeated_or_wrong_parameter_answers_400() {
    let app = with_an_item().await;
    for (named, queries) in [
        ("limit", "limit=0 limit=1001 limit=-1 limit=text limit= limit limit=1.5 limit=+1 limit=99999999999999999999"),
        ("limit", "limit=1&limit=1 limit=1&limit=2"),
        ("after", "after=-1 after=text after= after=9223372036854775808 after=1&after=1"),
        ("offset", "offset=1"),
        ("page", "limit=1&page=2"),
        ("Limit", "Limit=1"),
    ] {
        for query in queries.split(' ') {
            refused(&app, query, app.request(Method::GET, &format!("/items?{query}")), 400, named).await;
        }
    }
    let name = json!({ "name": "nut" });
    for (what, request, named) in [
        ("get", app.request(Method::GET, "/items/1?limit=1"), "limit"),
        ("delete", app.request(Method::DELETE, "/items/1?force=1"), "force"),
        ("update", app.request(Method::PUT, "/items/1?force=1").json(&name), "force"),
        ("create", app.request(Method::POST, "/items?limit=1").json(&name), "limit"),
    ] {
        refused(&app, what, request, 400, named).await;
    }
}
