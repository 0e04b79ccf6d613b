//! An id without an item: 404 to `GET`, `PUT` and `DELETE`.

use support::{App, Method, json};

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_does_not_exist_answers_404_with_and_without_a_condition() {
    let app = App::start().await;
    for path in ["/items/1", "/items/9223372036854775807"] {
        for (method, condition, value) in
            [(Method::GET, "If-None-Match", "*"), (Method::PUT, "If-Match", "*"), (Method::DELETE, "If-Match", "\"1\"")]
        {
            let request = || match method {
                Method::PUT => app.request(Method::PUT, path).json(&json!({ "name": "n" })),
                _ => app.request(method.clone(), path),
            };
            for request in [request(), request().header(condition, value)] {
                let response = app.send(request).await;
                assert_eq!((response.status.as_u16(), response.find("etag")), (404, None), "{method} {path}");
                response.problem();
            }
        }
    }
    assert_eq!(app.database().count("items").await, 0);
}
