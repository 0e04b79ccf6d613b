//! The spans of one operation are those of Spin 3.6, by name, kind, attributes and parent; a broken receiver does no
//! harm.

use support::{App, Method, SOON, Span, closed_port, json};
use tokio::net::TcpListener;

use super::with_receiver;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// Creates an item within [`TRACE`]. With the flags `01` the caller samples the trace, with `00` it does not.
async fn create_in_trace(app: &App, flags: &str) {
    let request = app
        .request(Method::POST, "/items")
        .header("traceparent", format!("00-{TRACE}-{CALLER}-{flags}"))
        .json(&json!({ "name": "bolt" }));
    assert_eq!(app.send(request).await.status, 201);
}

/// The only span with this name.
fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
    assert_eq!(found.len(), 1, "spans named {name:?} in {spans:#?}");
    found[0]
}

/// A span whose name starts like this.
fn starting<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    spans.iter().find(|span| span.name.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {spans:#?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_operation_is_one_trace_from_the_caller_to_audit() {
    let (app, receiver) = with_receiver().await;
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

    let statement = starting(&spans, "SELECT outcome, id, item_tag(1), item, relay FROM items_create(");
    assert_eq!((statement.kind, &statement.parent), ("CLIENT", &items.id));
    assert_eq!(statement.attributes["db.system"], "postgresql");
    let opened = spans.iter().filter(|span| span.name == "spin_outbound_pg.open");
    let by_items: Vec<_> = opened.filter(|span| span.parent == items.id && span.kind == "CLIENT").collect();
    assert!(!by_items.is_empty() && by_items.iter().all(|span| span.attributes["db.system"] == "postgresql"));

    let call = named(&spans, "POST");
    assert_eq!((call.kind, &call.parent), ("CLIENT", &items.id));
    assert_eq!(call.attributes["url.full"], "http://audit.spin.internal/events");
    assert!(!call.attributes.contains_key("server.address"), "it does not leave the process");
    let audit = named(&spans, "execute_wasm_component audit");
    assert_eq!((audit.kind, &audit.parent), ("INTERNAL", &call.id));
    assert_eq!(starting(&spans, "SELECT audit_store(").parent, audit.id);

    let logs = app.logs();
    let mut of_audit = logs.iter().filter(|line| line.contains(r#""component":"audit""#));
    assert!(of_audit.any(|line| line.contains(TRACE)), "the called component gets traceparent: {logs:#?}");

    let servers = spans.iter().filter(|span| span.kind == "SERVER").count();
    assert_eq!(servers, 1, "a chained call is not a request from outside");
    for span in &spans {
        assert!(span.start > 0 && span.end >= span.start && span.error.is_none(), "{span:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_route_of_a_span_is_that_of_the_trigger_and_never_the_path() {
    let (app, receiver) = with_receiver().await;
    for (path, name) in [
        ("/items/7", "GET /items/:id"),
        ("/nowhere/7", "GET /..."),
        ("/livez", "GET /livez"),
        ("/.well-known/spin/health", "GET /.well-known/spin/health"),
        ("/.well-known/spin/nothing", "GET"),
    ] {
        let response = app.http().get(app.url(path)).send().await.expect("a response");
        let of_path = |span: &Span| span.attributes.get("url.path").is_some_and(|value| value == path);
        let span = receiver.span(&format!("the span of {path}"), of_path).await;
        assert_eq!(span.name, name, "{path}");
        assert_eq!(span.attributes["http.response.status_code"], response.status().as_str(), "{path}");
        assert_eq!(span.attributes.get("http.route").map(String::as_str), name.strip_prefix("GET "), "{path}");
    }
}

/// The sidecar recognises such a request by `error.type`, which Spin writes as well, and the objectives leave it out.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_reaches_no_component_is_logged_and_its_span_says_why() {
    let (app, receiver) = with_receiver().await;
    for (header, status, cause, line) in [
        (&b"X-Odd: \xff"[..], "500", "invalid utf-8 sequence of 1 bytes from index 0", "header x-odd is not UTF-8"),
        (b"X-Odd: a\xc3", "500", "incomplete utf-8 byte sequence from index 1", "header x-odd is not UTF-8"),
    ] {
        let close = b"\r\nConnection: close\r\n\r\n";
        let response = app.exchange([b"GET /items HTTP/1.1\r\nHost: a\r\n", header, close].concat()).await;
        assert_eq!(response.status.map(|code| code.to_string()).as_deref(), Some(status), "{response:?}");
        let caused = |span: &Span| span.attributes.get("error.type").is_some_and(|value| value == cause);
        let span = receiver.span(cause, caused).await;
        assert_eq!((&*span.name, &*span.attributes["http.response.status_code"]), ("GET /items", status));
        app.reported(line).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_fails_has_the_error_in_its_span() {
    let (app, receiver) = with_receiver().await;
    app.database().run("ALTER FUNCTION items_get RENAME TO items_got").await;
    assert_eq!(app.get("/items/1").await.status, 503);
    let failed = receiver.span("the failed statement", |span| span.error.is_some()).await;
    assert!(failed.name.contains("items_get(") && failed.error.is_some_and(|error| error.contains("does not exist")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_that_the_caller_does_not_sample_is_not_exported() {
    let (app, receiver) = with_receiver().await;
    create_in_trace(&app, "00").await;
    app.create("in a trace of its own").await;
    receiver.span("the other request", |span| span.name == "POST /items").await;
    assert!(receiver.spans().iter().all(|span| span.trace != TRACE));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_receiver_that_refuses_or_hangs_only_spans_are_lost() {
    let hanging = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let hangs = hanging.local_addr().expect("an address").to_string();
    for receiver in [format!("127.0.0.1:{}", closed_port()), hangs] {
        let mut app = App::builder().spans(&format!("http://{receiver}/v1/traces")).start().await;
        // More spans than the queue of the host can hold.
        for _ in 0..40 {
            let created = (0..20).map(|_| app.create("bolt"));
            futures::future::join_all(created).await;
        }
        app.audited(800, SOON).await;
        app.reported("spans are lost").await;
        tokio::time::timeout(SOON, app.stop_host()).await.expect("the host stops in time");
        let reports = app.logs().iter().filter(|line| line.contains("spans are lost")).count();
        assert!(reports <= 1, "reported {reports} times");
    }
}
