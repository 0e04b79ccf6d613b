//! Exact paths and methods.

use http::{Method, StatusCode};
use support::{App, SOON, exchange};

/// Every path and the methods it has.
const ROUTES: [(&str, &[&str]); 6] = [
    ("/", &["GET", "HEAD", "OPTIONS"]),
    ("/items", &["GET", "HEAD", "OPTIONS", "POST"]),
    ("/items/1", &["DELETE", "GET", "HEAD", "OPTIONS", "PUT"]),
    ("/livez", &["GET", "HEAD", "OPTIONS"]),
    ("/openapi.json", &["GET", "HEAD", "OPTIONS"]),
    ("/readyz", &["GET", "HEAD", "OPTIONS"]),
];

fn allow(header: &str) -> Vec<&str> {
    let mut methods: Vec<&str> = header.split(',').map(str::trim).collect();
    methods.sort_unstable();
    methods
}

#[tokio::test(flavor = "multi_thread")]
async fn options_and_405_say_which_methods_a_path_has() {
    let app = App::start().await;
    app.create("bolt").await;
    for (path, methods) in ROUTES {
        let options = app.send(app.request(Method::OPTIONS, path)).await;
        assert!(options.status.is_success(), "{options:?}");
        assert_eq!(allow(options.header("allow")), methods, "OPTIONS {path}");
        for method in ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT", "TRACE", "PURGE"]
            .map(|name| name.parse::<Method>().expect("a method"))
        {
            if methods.contains(&method.as_str()) {
                continue;
            }
            let refused = app.send(app.request(method.clone(), path)).await;
            assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(allow(refused.header("allow")), methods, "{method} {path}");
            refused.problem();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_answers_as_get_does_without_a_body() {
    let app = App::start().await;
    app.create("bolt").await;
    for path in [
        "/",
        "/items",
        "/items?limit=1",
        "/items/1",
        "/items/2",
        "/items/x",
        "/livez",
        "/openapi.json",
        "/readyz",
        "/nowhere",
    ] {
        let get = app.get(path).await;
        let head = app.send(app.request(Method::HEAD, path)).await;
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
        for name in ["content-type", "etag", "link", "cache-control", "content-security-policy"] {
            assert_eq!(head.headers.get(name), get.headers.get(name), "{name} of {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_not_exactly_a_route_answers_404() {
    let app = App::start().await;
    app.create("bolt").await;
    for path in [
        "/items/",
        "//items",
        "//items/",
        "/items//1",
        "//items/1",
        "/items/1/",
        "/items/1/2",
        "/Items",
        "/items.json",
        "/item",
        "/livez/",
        "/readyz/x",
        "/./items",
        "/../items",
        "/items/../items",
        "/it%65ms",
        "/%69tems",
        "/items%2F1",
        "/items;v=1",
        "/index.html",
        "/openapi",
        "/events",
        "/favicon.ico",
    ] {
        // A client library would tidy some of these.
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", app.address());
        let answer = exchange(app.address(), request).await;
        assert_eq!(answer.status, Some(404), "{path}: {answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}: {answer:?}");
    }
    // Only the create is an operation.
    app.audited(1, SOON).await;
}
