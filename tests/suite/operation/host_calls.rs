//! How many calls of the host an operation makes. On Spin each of them costs, and each statement is a round trip.

use reqwest::RequestBuilder;
use support::{Method, Span, json};

use super::with_receiver;

/// What a request made its host do: variables read, connections, statements, HTTP calls, instances.
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
async fn an_operation_reads_one_variable_opens_one_connection_and_runs_one_statement() {
    let (app, receiver) = with_receiver().await;
    let path = format!("/items/{}", app.create("bolt").await.id);
    app.audited(1, support::SOON).await;
    // Without the lease no instance relays: that is not part of the operation.
    app.database().seize_lease(60).await;

    let create = |name: &str| app.request(Method::POST, "/items").json(&json!({ "name": name }));
    let requests: Vec<(&str, RequestBuilder, u16, [usize; 5])> = vec![
        ("create", create("nut"), 201, [1, 1, 1, 0, 1]),
        ("create with a key", create("nut").header("idempotency-key", "k"), 201, [1, 1, 1, 0, 1]),
        ("page", app.request(Method::GET, "/items?limit=10"), 200, [1, 1, 1, 0, 1]),
        ("get", app.request(Method::GET, &path), 200, [1, 1, 1, 0, 1]),
        ("update", app.request(Method::PUT, &path).json(&json!({ "name": "n" })), 200, [1, 1, 1, 0, 1]),
        ("delete", app.request(Method::DELETE, &path), 204, [1, 1, 1, 0, 1]),
        ("refused body", create(""), 422, [0, 0, 0, 0, 1]),
        ("liveness", app.request(Method::GET, "/livez"), 200, [0, 0, 0, 0, 1]),
    ];
    for ((what, request, status, expected), number) in requests.into_iter().zip(1..) {
        let trace = format!("{number:032x}");
        let request = request.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
        assert_eq!(app.send(request).await.status, status, "{what}");
        // The span of the instance ends, and arrives, after those of its calls.
        let spans = receiver.trace(&trace, &["execute_wasm_component items"]).await;
        assert_eq!(calls(&spans), expected, "{what}: {:#?}", spans.iter().map(|span| &span.name).collect::<Vec<_>>());
    }
}
