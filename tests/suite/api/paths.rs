//! Exact paths and their methods: 404, 405, `OPTIONS` and `HEAD`.

use support::{App, Method, Response, StatusCode, json};

use super::{nothing_happened, with_an_item};

/// Every path and its methods, sorted.
const ROUTES: [(&str, &str); 6] = [
    ("/", "GET HEAD OPTIONS"),
    ("/items", "GET HEAD OPTIONS POST"),
    ("/items/1", "DELETE GET HEAD OPTIONS PUT"),
    ("/livez", "GET HEAD OPTIONS"),
    ("/openapi.json", "GET HEAD OPTIONS"),
    ("/readyz", "GET HEAD OPTIONS"),
];

/// The methods in the `Allow` header, sorted.
fn allowed(response: &Response) -> String {
    let mut methods: Vec<&str> = response.header("allow").split(',').map(str::trim).collect();
    methods.sort_unstable();
    methods.join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn options_and_405_have_the_methods_of_the_path_and_change_nothing() {
    let app = with_an_item().await;
    for (path, methods) in ROUTES {
        let options = app.send(app.request(Method::OPTIONS, path)).await;
        assert!(options.status.is_success(), "{options:?}");
        assert_eq!(allowed(&options), methods, "OPTIONS {path}");
        let others =
            "DELETE GET HEAD PATCH POST PUT TRACE PURGE BREW".split(' ').filter(|method| !methods.contains(method));
        for method in others {
            let request = app.request(method.parse().expect("a method"), path).json(&json!({ "name": "nut" }));
            let refused = app.send(request).await;
            assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(allowed(&refused), methods, "{method} {path}");
            refused.problem();
            nothing_happened(&app, path).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_answers_as_get_does_without_a_body() {
    let app = App::start().await;
    app.create("bolt").await;
    let paths = "/ /items /items?limit=1 /items/1 /items/2 /items/x /livez /openapi.json /readyz /nowhere";
    for path in paths.split(' ') {
        let get = app.get(path).await;
        let head = app.send(app.request(Method::HEAD, path)).await;
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
        for name in ["content-type", "etag", "link", "cache-control", "content-security-policy"] {
            assert_eq!(head.headers.get(name), get.headers.get(name), "{name} of {path}");
        }
    }
}

/// Not in `black_box`: a proxy in front may decode it (RFC 3986, section 6.2.2.2).
#[tokio::test(flavor = "multi_thread")]
async fn an_id_with_an_encoded_digit_answers_400_and_changes_nothing() {
    let app = with_an_item().await;
    for method in [Method::GET, Method::DELETE] {
        let refused = app.send(app.request(method, "/items/%31")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
    }
    nothing_happened(&app, "/items/%31").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_not_exactly_a_route_answers_404_and_changes_nothing() {
    let app = with_an_item().await;
    let paths = "/nowhere /items/ //items //items/ /items//1 //items/1 /items/1/ /items/1/2 /Items /items.json /item
        /livez/ /readyz/x /./items /../items /items/../items /it%65ms /%69tems /items%2F1 /items;v=1 /index.html /openapi
        /events /favicon.ico";
    for path in paths.split_whitespace() {
        for method in ["GET", "POST"] {
            // A client library would tidy some of these paths.
            let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            let response = app.exchange(request).await;
            assert_eq!(response.status, Some(404), "{method} {path}: {response:?}");
            assert_eq!(response.header("content-type"), Some("application/problem+json"), "{path}: {response:?}");
        }
        nothing_happened(&app, path).await;
    }
}
