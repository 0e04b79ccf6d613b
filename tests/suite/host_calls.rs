//! Components lean on every host: on Spin each call of the host and each round trip to the database costs, so their number is held here.

use http::Method;
use reqwest::RequestBuilder;
use serde_json::json;
use support::{App, Receiver, Span};

const TRACES: [&str; 8] = [
    "1bf92f3577b34da6a3ce929d0e0e4731",
    "1bf92f3577b34da6a3ce929d0e0e4732",
    "1bf92f3577b34da6a3ce929d0e0e4733",
    "1bf92f3577b34da6a3ce929d0e0e4734",
    "1bf92f3577b34da6a3ce929d0e0e4735",
    "1bf92f3577b34da6a3ce929d0e0e4736",
    "1bf92f3577b34da6a3ce929d0e0e4737",
    "1bf92f3577b34da6a3ce929d0e0e4738",
];

/// What a request made its host do: variables read, connections, statements, HTTP calls, guests.
fn calls(spans: &[Span]) -> [usize; 5] {
    let count = |wanted: &dyn Fn(&Span) -> bool| spans.iter().filter(|span| wanted(span)).count();
    [
        count(&|span| span.name == "spin_variables.get"),
        count(&|span| span.name == "spin_outbound_pg.open"),
        count(&|span| span.name.starts_with("SELECT")),
        count(&|span| span.kind == "CLIENT" && span.attributes.contains_key("url.full")),
        count(&|span| span.name.starts_with("execute_wasm_component")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_is_one_variable_one_connection_and_one_statement() {
    let receiver = Receiver::start().await;
    let app = App::builder().spans(&receiver.url()).start().await;
    let path = format!("/items/{}", app.create("bolt").await.id);
    app.audited(1, support::SOON).await;
    // Whoever gets the lease relays as well, and that is not an operation's own affair.
    app.database().seize_lease(60).await;

    let body = json!({ "name": "nut" });
    let requests: Vec<(&str, RequestBuilder, u16, [usize; 5])> = vec![
        ("create", app.request(Method::POST, "/items").json(&body), 201, [1, 1, 1, 0, 1]),
        (
            "create with a key",
            app.request(Method::POST, "/items").header("idempotency-key", "k").json(&body),
            201,
            [1, 1, 1, 0, 1],
        ),
        ("page", app.request(Method::GET, "/items?limit=10"), 200, [1, 1, 1, 0, 1]),
        ("get", app.request(Method::GET, &path), 200, [1, 1, 1, 0, 1]),
        ("update", app.request(Method::PUT, &path).json(&body), 200, [1, 1, 1, 0, 1]),
        ("delete", app.request(Method::DELETE, &path), 204, [1, 1, 1, 0, 1]),
        ("refused input", app.request(Method::POST, "/items").json(&json!({ "name": "" })), 422, [0, 0, 0, 0, 1]),
        ("liveness", app.request(Method::GET, "/livez"), 200, [0, 0, 0, 0, 1]),
    ];
    for ((what, request, status, expected), trace) in requests.into_iter().zip(TRACES) {
        let request = request.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
        assert_eq!(app.send(request).await.status, status, "{what}");
        // The guest's own span ends, and arrives, after all that it did.
        let spans = receiver.trace(trace, &["execute_wasm_component items"]).await;
        assert_eq!(calls(&spans), expected, "{what}: {:#?}", spans.iter().map(|span| &span.name).collect::<Vec<_>>());
    }
}
