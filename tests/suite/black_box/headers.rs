//! Headers that every response has. All of them, on every response: `security/responses.rs`.

use support::{Method, Service, json};

#[tokio::test(flavor = "multi_thread")]
async fn responses_keep_the_id_of_their_request_and_have_the_headers_that_protect() {
    let service = Service::start().await;
    let item = format!("/items/{}", service.create().await.id);
    for (number, (request, status)) in [
        (service.request(Method::GET, &item), 200),
        (service.request(Method::HEAD, &item), 200),
        (service.request(Method::OPTIONS, &item), 204),
        (service.request(Method::PATCH, &item), 405),
        (service.request(Method::GET, "/items/x"), 400),
        (service.request(Method::PUT, &item).json(&json!({ "name": 1 })), 422),
        (service.request(Method::GET, "/"), 200),
        (service.request(Method::GET, "/openapi.json"), 200),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("{}-kept-{number}", service.mark());
        let (client, request) = request.build_split();
        let mut request = request.expect("a request");
        request.headers_mut().insert("x-request-id", id.parse().expect("an id"));
        let response = service.send(reqwest::RequestBuilder::from_parts(client, request)).await;
        assert_eq!((response.status.as_u16(), response.header("x-request-id")), (status, &*id));
        for (name, value) in [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")] {
            assert!(response.headers.get_all(name).iter().all(|found| found == value), "{name}: {response:?}");
            assert!(response.headers.contains_key(name), "{name}: {response:?}");
        }
        assert!(response.headers.contains_key("content-security-policy"), "{response:?}");
    }
    service.complete().await;
}
