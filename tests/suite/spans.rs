//! The spans of the embedded host: those of Spin 3.6, by name, kind, attributes and parents; and what a bad receiver costs.

use http::Method;
use serde_json::json;
use support::{App, Receiver, SOON, SlowReader, Span, closed_port, eventually};
use tokio::net::TcpListener;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// Creates an item within [`TRACE`]; `flags` says whether the caller samples it.
async fn create_in_trace(app: &App, flags: &str) {
    let request = app
        .request(Method::POST, "/items")
        .header("traceparent", format!("00-{TRACE}-{CALLER}-{flags}"))
        .json(&json!({ "name": "bolt" }));
    assert_eq!(app.send(request).await.status, 201);
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
    assert_eq!(found.len(), 1, "spans named {name:?} in {spans:#?}");
    found[0]
}

fn starting<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    spans.iter().find(|span| span.name.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {spans:#?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_operation_is_one_trace_from_the_caller_to_the_trail() {
    let receiver = Receiver::start().await;
    let app = App::builder().spans(&receiver.url()).start().await;
    create_in_trace(&app, "01").await;

    let spans =
        receiver.trace(TRACE, &["POST /items", "execute_wasm_component items", "execute_wasm_component audit"]).await;
    let request = named(&spans, "POST /items");
    assert_eq!((request.kind, &*request.parent), ("SERVER", CALLER));
    let peer = &request.attributes["network.peer.port"];
    assert!(peer.parse::<u16>().is_ok(), "{peer}");
    for (key, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/items"),
        ("http.response.status_code", "201"),
        ("url.path", "/items"),
        ("url.query", ""),
        ("network.peer.address", "127.0.0.1"),
        ("network.protocol.name", "http"),
    ] {
        assert_eq!(request.attributes.get(key).map(String::as_str), Some(value), "{key}");
    }
    let items = named(&spans, "execute_wasm_component items");
    assert_eq!((items.kind, &items.parent), ("INTERNAL", &request.id));

    let statement = starting(&spans, "SELECT outcome, id, item, relay FROM items_create(");
    assert_eq!((statement.kind, &statement.parent), ("CLIENT", &items.id));
    assert_eq!(statement.attributes["db.system"], "postgresql");
    let opened = spans.iter().filter(|span| span.name == "spin_outbound_pg.open");
    let by_items: Vec<_> = opened.filter(|span| span.parent == items.id && span.kind == "CLIENT").collect();
    assert!(!by_items.is_empty() && by_items.iter().all(|span| span.attributes["db.system"] == "postgresql"));

    let call = named(&spans, "POST");
    assert_eq!((call.kind, &call.parent), ("CLIENT", &items.id));
    assert_eq!(call.attributes["url.full"], "http://audit.spin.internal/events");
    assert_eq!(call.attributes["server.address"], "audit.spin.internal");
    assert_eq!(call.attributes["http.response.status_code"], "204");
    let audit = named(&spans, "execute_wasm_component audit");
    assert_eq!((audit.kind, &audit.parent), ("INTERNAL", &call.id));
    assert_eq!(starting(&spans, "SELECT audit_store(").parent, audit.id);

    let logs = app.logs();
    let mut told = logs.iter().filter(|line| line.contains(r#""component":"audit""#));
    assert!(told.any(|line| line.contains(TRACE)), "the called component gets traceparent: {logs:#?}");

    let servers = spans.iter().filter(|span| span.kind == "SERVER").count();
    assert_eq!(servers, 1, "a chained call is no request from outside");
    for span in &spans {
        assert!(span.start > 0 && span.end >= span.start && span.error.is_none(), "{span:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_route_is_the_triggers_and_never_the_path() {
    let receiver = Receiver::start().await;
    let app = App::builder().spans(&receiver.url()).start().await;
    for (path, name) in [
        ("/items/7", "GET /items/:id"),
        ("/nowhere/7", "GET /..."),
        ("/livez", "GET /livez"),
        ("/.well-known/spin/health", "GET /.well-known/spin/health"),
        ("/.well-known/spin/nothing", "GET"),
    ] {
        let answer = app.http().get(app.url(path)).send().await.expect("an answer");
        let span = eventually(&format!("the span of {path}"), SOON, async || {
            let spans = receiver.spans();
            let found = spans.iter().find(|span| span.attributes.get("url.path").is_some_and(|value| value == path));
            found.cloned().ok_or(format!("{spans:#?}"))
        })
        .await;
        assert_eq!(span.name, name, "{path}");
        assert_eq!(span.attributes["http.response.status_code"], answer.status().as_str(), "{path}");
        assert_eq!(span.attributes.get("http.route").map(String::as_str), name.strip_prefix("GET "), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_ends_with_the_head_of_its_answer_and_its_guest_goes_on() {
    let receiver = Receiver::start().await;
    let app = App::builder().spans(&receiver.url()).start().await;
    app.database()
        .run("INSERT INTO items (name, description, created_at, updated_at) SELECT 'n', repeat('x', 1000), now(), now() FROM generate_series(1, 20000)")
        .await;
    let mut reader = SlowReader::get(app.address(), "/items").await;
    reader.begin().await;
    let request = eventually("the request's span while its body is unread", SOON, async || {
        let spans = receiver.spans();
        spans.iter().find(|span| span.name == "GET /items").cloned().ok_or(format!("{spans:#?}"))
    })
    .await;
    assert!(receiver.spans().iter().all(|span| span.parent != request.id), "the guest still writes");
    reader.finish().await;
    let spans = receiver.trace(&request.trace, &["execute_wasm_component items"]).await;
    let guest = named(&spans, "execute_wasm_component items");
    assert!(guest.parent == request.id && guest.end > request.end, "{guest:?} {request:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_fails_says_so_in_its_span() {
    let receiver = Receiver::start().await;
    let app = App::builder().spans(&receiver.url()).start().await;
    sqlx::query("ALTER FUNCTION items_get RENAME TO items_got").execute(app.db()).await.expect("the schema changes");
    assert_eq!(app.get("/items/1").await.status, 503);
    let failed = eventually("the failed statement", SOON, async || {
        let spans = receiver.spans();
        spans.iter().find(|span| span.error.is_some()).cloned().ok_or(format!("{spans:#?}"))
    })
    .await;
    assert!(failed.name.contains("items_get(") && failed.error.is_some_and(|error| error.contains("does not exist")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_caller_does_not_sample_is_not_exported() {
    let receiver = Receiver::start().await;
    let app = App::builder().spans(&receiver.url()).start().await;
    create_in_trace(&app, "00").await;
    app.create("in a trace of its own").await;
    eventually("the other request's span", SOON, async || {
        let spans = receiver.spans();
        if spans.iter().any(|span| span.name == "POST /items") { Ok(()) } else { Err(format!("{spans:#?}")) }
    })
    .await;
    assert!(receiver.spans().iter().all(|span| span.trace != TRACE));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_refuses_or_hangs_costs_nothing_but_the_spans() {
    let hanging = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let hanging = hanging.local_addr().map(|address| (hanging, address)).expect("an address");
    let refusing = closed_port().await;
    for receiver in [format!("http://{refusing}/v1/traces"), format!("http://{}/v1/traces", hanging.1)] {
        let mut app = App::builder().spans(&receiver).start().await;
        // More spans than the queue holds.
        for _ in 0..40 {
            let created = (0..20).map(|_| app.create("bolt"));
            futures::future::join_all(created).await;
        }
        app.audited(800, SOON).await;
        app.logged("spans are lost").await;
        // A host with spans that nobody takes ends as fast as any.
        tokio::time::timeout(SOON, app.stop_host()).await.expect("the host ends");
        assert_eq!(app.logs().iter().filter(|line| line.contains("spans are lost")).count(), 1, "it is said once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_cannot_be_one_is_refused_at_start() {
    for (url, reason) in [("https://collector/v1/traces", "no TLS"), ("collector", "no TLS"), ("http://", "not a URL")]
    {
        let mut options = host::Config::new("../spin.toml");
        options.listen.set_port(0);
        options.spans = Some(url.to_owned());
        let error = host::Host::start(options).await.err().expect("no such host");
        assert!(error.to_string().contains(reason), "{url}: {error}");
    }
}
