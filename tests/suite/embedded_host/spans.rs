//! Spans of requests that Spin answers otherwise, and receivers that this host does not offer.

use support::{App, Receiver, Span};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_two_hosts_is_logged_and_its_span_says_why() {
    let receiver = Receiver::start().await;
    let app = App::builder().spans(&receiver.url()).start().await;
    let request = "GET /items HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n";
    assert_eq!(app.exchange(request).await.status, Some(400));
    let cause = "the request names more than one host";
    let caused = |span: &Span| span.attributes.get("error.type").is_some_and(|value| value == cause);
    assert_eq!(receiver.span(cause, caused).await.attributes["http.response.status_code"], "400");
    app.logged("more than one host").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_with_an_invalid_receiver_does_not_start() {
    for (url, reason) in [("https://collector/v1/traces", "no TLS"), ("collector", "no TLS"), ("http://", "not a URL")]
    {
        let mut config = host::Config::new("../spin.toml");
        config.listen.set_port(0);
        config.spans = Some(url.to_owned());
        let error = host::Host::start(config).await.err().expect("an error");
        assert!(error.to_string().contains(reason), "{url}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_span_of_a_request_ends_with_the_head_of_its_response_and_that_of_its_instance_later() {
    let receiver = Receiver::start().await;
    let app = App::builder().spans(&receiver.url()).start().await;
    app.database().insert_items(20_000, "repeat('x', 1000)").await;
    let reader = app.read_slowly("/items").await;
    let request = receiver.span("GET /items, its body unread", |span| span.name == "GET /items").await;
    assert!(receiver.spans().iter().all(|span| span.parent != request.id), "the instance still writes");
    reader.finish().await.expect("the full list");
    let spans = receiver.trace(&request.trace, &["execute_wasm_component items"]).await;
    let instance = spans.iter().find(|span| span.name == "execute_wasm_component items").expect("its span");
    assert!(instance.parent == request.id && instance.end > request.end, "{instance:?} {request:?}");
}
