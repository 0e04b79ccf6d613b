//! The contract at `/openapi.json`: what it says is what the service does. Every other test holds its answers against it as well.

use std::collections::BTreeSet;

use futures::future::join_all;
use futures::stream;
use reqwest::{Body, RequestBuilder};
use serde_json::json;
use support::{App, Contract, Manifest, closed_port};

type Dress = fn(RequestBuilder) -> RequestBuilder;

/// A method and a path of the contract, the status it answers to, the target, and what the request has beside.
type Case = (&'static str, &'static str, u16, &'static str, Dress);

/// One case for each answer of items, in the order in which they are asked. Item 1 exists at version 2, item 99 does not.
const ITEMS: &[Case] = &[
    ("GET", "/items", 200, "/items?limit=1", bare),
    ("GET", "/items", 400, "/items?limit=0", bare),
    ("HEAD", "/items", 200, "/items", bare),
    ("HEAD", "/items", 400, "/items?limit=0", bare),
    ("OPTIONS", "/items", 204, "/items", bare),
    ("POST", "/items", 201, "/items", |request| bolt(request).header("Idempotency-Key", "key")),
    ("POST", "/items", 400, "/items", |request| typed(request, "application/json")),
    ("POST", "/items", 413, "/items", large),
    ("POST", "/items", 415, "/items", |request| typed(request, "text/plain")),
    ("POST", "/items", 422, "/items", empty),
    ("GET", "/items/{id}", 200, "/items/1", bare),
    ("GET", "/items/{id}", 304, "/items/1", |request| request.header("If-None-Match", "\"2\"")),
    ("GET", "/items/{id}", 400, "/items/x", bare),
    ("GET", "/items/{id}", 404, "/items/99", bare),
    ("HEAD", "/items/{id}", 200, "/items/1", bare),
    ("HEAD", "/items/{id}", 304, "/items/1", |request| request.header("If-None-Match", "\"2\"")),
    ("HEAD", "/items/{id}", 400, "/items/x", bare),
    ("HEAD", "/items/{id}", 404, "/items/99", bare),
    ("OPTIONS", "/items/{id}", 204, "/items/1", bare),
    ("PUT", "/items/{id}", 200, "/items/1", bolt),
    ("PUT", "/items/{id}", 400, "/items/1", |request| typed(request, "application/json")),
    ("PUT", "/items/{id}", 404, "/items/99", bolt),
    ("PUT", "/items/{id}", 412, "/items/1", |request| bolt(request).header("If-Match", "\"9\"")),
    ("PUT", "/items/{id}", 413, "/items/1", large),
    ("PUT", "/items/{id}", 415, "/items/1", |request| typed(request, "text/plain")),
    ("PUT", "/items/{id}", 422, "/items/1", empty),
    ("DELETE", "/items/{id}", 400, "/items/x", bare),
    ("DELETE", "/items/{id}", 404, "/items/99", bare),
    ("DELETE", "/items/{id}", 412, "/items/1", |request| request.header("If-Match", "\"9\"")),
    ("DELETE", "/items/{id}", 204, "/items/1", bare),
];

/// Paths about the service itself.
const SERVICE: [&str; 4] = ["/", "/livez", "/readyz", "/openapi.json"];

/// The answers of a service without its database.
const LOST: &[Case] = &[
    ("GET", "/readyz", 503, "/readyz", bare),
    ("HEAD", "/readyz", 503, "/readyz", bare),
    ("GET", "/items", 503, "/items", bare),
    ("HEAD", "/items", 503, "/items", bare),
    ("POST", "/items", 503, "/items", bolt),
    ("GET", "/items/{id}", 503, "/items/1", bare),
    ("HEAD", "/items/{id}", 503, "/items/1", bare),
    ("PUT", "/items/{id}", 503, "/items/1", bolt),
    ("DELETE", "/items/{id}", 503, "/items/1", bare),
];

/// Stands for the methods that a path does not have.
const OTHER: &str = "any other";

/// Bodies that never come: given up after half a minute.
const SLOW: &[Case] = &[("POST", "/items", 408, "/items", endless), ("PUT", "/items/{id}", 408, "/items/1", endless)];

fn bare(request: RequestBuilder) -> RequestBuilder {
    request
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

/// Asks, holds the answer against the contract, and gives what was shown.
async fn show(app: &App, (method, path, status, target, dress): Case) -> (String, String, u16) {
    let request = dress(app.request(method.parse().expect("a method"), target));
    let answer = app.send(request).await;
    assert_eq!(answer.status, status, "{method} {target}: {answer:?}");
    (method.into(), path.into(), status)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_shows_every_documented_answer_and_no_other() {
    let app = App::start().await;
    app.database().run("INSERT INTO items (name, description, version, created_at, updated_at) VALUES ('bolt', '', 2, now(), now())").await;
    let lost = App::builder().variable("db_port", &closed_port().await).start().await;

    let slow = join_all(SLOW.iter().map(|case| show(&app, *case)));
    let quick = async {
        let mut shown = BTreeSet::new();
        for case in ITEMS {
            shown.insert(show(&app, *case).await);
        }
        for path in SERVICE {
            for (method, status) in [("GET", 200), ("HEAD", 200), ("OPTIONS", 204)] {
                shown.insert(show(&app, (method, path, status, path, bare)).await);
            }
        }
        for case in LOST {
            shown.insert(show(&lost, *case).await);
        }
        for (path, target) in
            SERVICE.map(|path| (path, path)).into_iter().chain([("/items", "/items"), ("/items/{id}", "/items/1")])
        {
            let (_, path, status) = show(&app, ("PATCH", path, 405, target, bare)).await;
            shown.insert((OTHER.into(), path, status));
        }
        shown
    };
    let (slow, mut shown) = futures::join!(slow, quick);
    shown.extend(slow);
    let documented = Contract::of(&app).await.documented();
    // OpenAPI has no place for the methods that a path does not have: the 405 stands beside the answers of those it has.
    let documented: BTreeSet<_> = documented
        .into_iter()
        .map(|(method, path, status)| (if status == 405 { OTHER.into() } else { method }, path, status))
        .collect();
    assert_eq!(documented, shown, "documented (left) and shown (right)");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_routes_of_the_manifest_are_the_paths_of_the_contract() {
    let app = App::start().await;
    let mut manifest = Manifest::read();
    let triggers = manifest.table("trigger")["http"].as_array().expect("triggers").clone();
    let items = triggers.iter().filter(|trigger| trigger["component"].as_str() == Some("items"));
    let routes = items.filter_map(|trigger| trigger["route"].as_str()).filter(|route| *route != "/...");
    let routes: BTreeSet<String> = routes.map(|route| route.replace(":id", "{id}")).collect();
    let paths: BTreeSet<String> = Contract::of(&app).await.documented().into_iter().map(|(_, path, _)| path).collect();
    assert_eq!(paths, routes);
}
