//! `GET /openapi.json`, the contract: the service does what it documents. Every other test checks its responses against
//! it.

use std::collections::BTreeSet;

use futures::future::join_all;
use futures::stream;
use reqwest::{Body, RequestBuilder};
use support::{App, Contract, Manifest, Method, json};

/// A method and a path of the contract, the status, the target, and what else the request has. `GET` stands for `HEAD`
/// too.
type Case = (&'static str, &'static str, u16, &'static str, fn(RequestBuilder) -> RequestBuilder);

/// One case for each response, in the order in which they are sent. Item 1 exists at version 2, item 99 does not.
const CASES: &[Case] = &[
    ("GET", "/", 200, "/", plain),
    ("GET", "/", 304, "/", |request| request.header("If-None-Match", "*")),
    ("GET", "/", 400, "/", if_match),
    ("GET", "/livez", 200, "/livez", plain),
    ("GET", "/livez", 400, "/livez", if_match),
    ("GET", "/readyz", 200, "/readyz", plain),
    ("GET", "/readyz", 400, "/readyz", if_match),
    ("GET", "/openapi.json", 200, "/openapi.json", plain),
    ("GET", "/openapi.json", 304, "/openapi.json", |request| request.header("If-None-Match", "*")),
    ("GET", "/openapi.json", 400, "/openapi.json", if_match),
    ("GET", "/items", 200, "/items?limit=1", plain),
    ("GET", "/items", 400, "/items?limit=0", plain),
    ("POST", "/items", 201, "/items", |request| bolt(request).header("Idempotency-Key", "key")),
    ("POST", "/items", 400, "/items", |request| typed(request, "application/json")),
    ("POST", "/items", 413, "/items", large),
    ("POST", "/items", 415, "/items", |request| typed(request, "text/plain")),
    ("POST", "/items", 422, "/items", empty),
    ("GET", "/items/{id}", 200, "/items/1", plain),
    ("GET", "/items/{id}", 304, "/items/1", |request| request.header("If-None-Match", "*")),
    ("GET", "/items/{id}", 400, "/items/x", plain),
    ("GET", "/items/{id}", 404, "/items/99", plain),
    ("PUT", "/items/{id}", 200, "/items/1", bolt),
    ("PUT", "/items/{id}", 400, "/items/1", |request| typed(request, "application/json")),
    ("PUT", "/items/{id}", 404, "/items/99", bolt),
    ("PUT", "/items/{id}", 412, "/items/1", |request| bolt(request).header("If-Match", "\"9\"")),
    ("PUT", "/items/{id}", 413, "/items/1", large),
    ("PUT", "/items/{id}", 415, "/items/1", |request| typed(request, "text/plain")),
    ("PUT", "/items/{id}", 422, "/items/1", empty),
    ("DELETE", "/items/{id}", 400, "/items/x", plain),
    ("DELETE", "/items/{id}", 404, "/items/99", plain),
    ("DELETE", "/items/{id}", 412, "/items/1", |request| request.header("If-Match", "\"9\"")),
    ("DELETE", "/items/{id}", 204, "/items/1", plain),
];

/// The responses of a service without its database.
const UNAVAILABLE: &[Case] = &[
    ("GET", "/readyz", 503, "/readyz", plain),
    ("GET", "/items", 503, "/items", plain),
    ("POST", "/items", 503, "/items", bolt),
    ("GET", "/items/{id}", 503, "/items/1", plain),
    ("PUT", "/items/{id}", 503, "/items/1", bolt),
    ("DELETE", "/items/{id}", 503, "/items/1", plain),
];

/// Bodies that do not come: the service waits for half a minute.
const SLOW: &[Case] = &[("POST", "/items", 408, "/items", endless), ("PUT", "/items/{id}", 408, "/items/1", endless)];

/// Stands for every method that a path does not have.
const OTHER: &str = "any other";

fn plain(request: RequestBuilder) -> RequestBuilder {
    request
}

/// A condition that only `PUT` and `DELETE` evaluate.
fn if_match(request: RequestBuilder) -> RequestBuilder {
    request.header("If-Match", "*")
}

fn bolt(request: RequestBuilder) -> RequestBuilder {
    request.json(&json!({ "name": "bolt" }))
}

fn empty(request: RequestBuilder) -> RequestBuilder {
    request.json(&json!({}))
}

fn large(request: RequestBuilder) -> RequestBuilder {
    request.json(&json!({ "name": "x".repeat(70_000) }))
}

fn typed(request: RequestBuilder, kind: &str) -> RequestBuilder {
    request.header("Content-Type", kind).body("no JSON")
}

fn endless(request: RequestBuilder) -> RequestBuilder {
    typed(request, "application/json").body(Body::wrap_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>()))
}

/// Sends the request of a case, has the response checked against the contract, and returns what was shown.
async fn show(app: &App, (method, path, status, target, extra): Case) -> Vec<(String, String, u16)> {
    let methods = if method == "GET" { &["GET", "HEAD"][..] } else { &[method] };
    let mut shown = Vec::new();
    for sent in methods {
        let response = app.send(extra(app.request(sent.parse().expect("a method"), target))).await;
        assert_eq!(response.status, status, "{sent} {target}: {response:?}");
        shown.push(((*sent).to_owned(), path.to_owned(), status));
    }
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_shows_every_documented_response_and_no_other() {
    let app = App::start().await;
    app.database().insert_items(1, "''").await;
    app.database().run("UPDATE items SET version = 2").await;
    let unavailable = App::builder().without_database().start().await;

    let slow = join_all(SLOW.iter().map(|case| show(&app, *case)));
    let quick = async {
        let mut shown = Vec::new();
        for case in CASES {
            shown.extend(show(&app, *case).await);
        }
        for case in UNAVAILABLE {
            shown.extend(show(&unavailable, *case).await);
        }
        for path in ["/", "/livez", "/readyz", "/openapi.json", "/items", "/items/{id}"] {
            let target = if path == "/items/{id}" { "/items/1" } else { path };
            shown.extend(show(&app, ("OPTIONS", path, 204, target, plain)).await);
            show(&app, ("PATCH", path, 405, target, plain)).await;
            shown.push((OTHER.to_owned(), path.to_owned(), 405));
        }
        shown
    };
    let (slow, quick) = futures::join!(slow, quick);
    let shown: BTreeSet<_> = slow.into_iter().flatten().chain(quick).collect();
    // OpenAPI has no place for the methods that a path does not have: their 405 is documented with each of the others.
    let documented = Contract::of(&app).await.documented().into_iter();
    let documented: BTreeSet<_> = documented
        .map(|(method, path, status)| (if status == 405 { OTHER.into() } else { method }, path, status))
        .collect();
    assert_eq!(documented, shown, "documented (left) and shown (right)");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_routes_of_the_manifest_are_the_paths_of_the_contract() {
    let app = App::start().await;
    let mut manifest = Manifest::read();
    let items = manifest.triggers().iter().filter(|trigger| trigger["component"].as_str() == Some("items"));
    let routes = items.filter_map(|trigger| trigger["route"].as_str()).filter(|route| *route != "/...");
    let routes: BTreeSet<String> = routes.map(|route| route.replace(":id", "{id}")).collect();
    let paths: BTreeSet<String> = Contract::of(&app).await.documented().into_iter().map(|(_, path, _)| path).collect();
    assert_eq!(paths, routes);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_openapi_3_1_in_json() {
    let app = App::start().await;
    let response = app.send(app.request(Method::GET, "/openapi.json")).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), "application/json");
    assert!(response.json()["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")), "{response:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_two_parts_of_the_contract_share_a_name() {
    let app = App::start().await;
    let document = app.send(app.request(Method::GET, "/openapi.json")).await.json();
    let mut names = BTreeSet::new();
    for kind in ["schemas", "parameters", "requestBodies", "headers", "responses"] {
        for name in document["components"][kind].as_object().expect("parts of each kind").keys() {
            // Generators make a type of each, and some stop at two types of one name.
            assert!(names.insert(name.clone()), "{kind} has another {name}");
        }
    }
}
