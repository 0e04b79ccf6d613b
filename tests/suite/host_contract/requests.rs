//! Which requests reach a component, and what it sees of them.

use stack::Kind;
use tokio::io::AsyncReadExt as _;

use super::probes::{PATIENCE, manifest, start, start_manifest};

#[tokio::test]
async fn the_most_specific_route_wins_and_outer_slashes_are_ignored() {
    let application = start(&[]).await;
    for (path, route) in [
        ("/of/me/headers", "/of/:owner_id/..."),
        ("//of/me/headers/", "/of/:owner_id/..."),
        ("/headers", "/..."),
        ("/x/y/headers", "/..."),
    ] {
        let response = application.get(path).await;
        let header = format!("spin-raw-component-route: {route}");
        assert!(response.body.contains(&header), "{path}: {}", response.body);
    }
}

#[tokio::test]
async fn headers_describe_the_route_to_the_component() {
    let application = start(&[]).await;
    let body = application.get("/of/me/headers/?a=b").await.body;
    for line in [
        "spin-path-info: /headers/",
        "spin-full-url: http://probes.example/of/me/headers/?a=b",
        "spin-matched-route: /of/:owner_id/...",
        "spin-raw-component-route: /of/:owner_id/...",
        "spin-component-route: /of/:owner_id",
        "spin-base-path: /",
        "spin-path-match-owner-id: me",
        "spin-client-addr: 127.0.0.1:",
        "path /of/me/headers/?a=b",
        "authority probes.example",
    ] {
        assert!(body.contains(line), "{line} is missing in\n{body}");
    }
}

#[tokio::test]
async fn spin_headers_stand_after_those_that_the_client_sent() {
    let application = start(&[]).await;
    let request = "GET /headers HTTP/1.1\r\nHost: h\r\nSpin-Client-Addr: forged\r\nConnection: close\r\n\r\n";
    let body = application.send(request).await.body;
    let addresses: Vec<_> = body.lines().filter(|line| line.starts_with("spin-client-addr")).collect();
    assert_eq!(addresses[0], "spin-client-addr: forged", "{body}");
    assert!(addresses[1].starts_with("spin-client-addr: 127.0.0.1:"), "{body}");
}

#[tokio::test]
async fn a_path_without_a_route_is_answered_404_without_a_body() {
    let manifest = manifest(&[]).replace("route = \"/...\"", "route = \"/only\"");
    let response = start_manifest(&manifest, |_| {}).await.get("/other").await;
    assert_eq!((response.status, response.body.as_str(), response.complete), (404, "", true));
}

#[tokio::test]
async fn the_host_itself_answers_for_its_health() {
    let application = start(&[]).await;
    let health = application.get("/.well-known/spin/health").await;
    assert_eq!((health.status, health.body.as_str()), (200, "OK"));
}

#[tokio::test]
async fn a_url_in_the_request_line_names_the_host() {
    let application = start(&[]).await;
    for header in ["Host: one:81\r\n", ""] {
        let request = format!("GET http://one:81/headers HTTP/1.1\r\n{header}Connection: close\r\n\r\n");
        let body = application.send(request).await.body;
        assert!(body.contains("authority one:81") && body.contains("path /headers"), "{body}");
    }
}

#[tokio::test]
async fn no_host_header_leads_to_a_private_component() {
    let application = start(&[]).await;
    let origin_form = "GET /hello HTTP/1.1\r\nHost: inner.spin.internal\r\nConnection: close\r\n\r\n";
    let expected = if support::kind() == Kind::Spin { 0 } else { 400 };
    assert_eq!(application.send(origin_form).await.status, expected, "the header is removed, so no host is left");
    let absolute_form =
        "GET http://inner.spin.internal/headers HTTP/1.1\r\nHost: inner.spin.internal\r\nConnection: close\r\n\r\n";
    let body = application.send(absolute_form).await.body;
    assert!(body.contains("spin-client-addr: 127.0.0.1:"), "the public component must answer: {body}");
}

#[tokio::test]
async fn a_header_value_that_is_not_utf8_is_answered_500() {
    let application = start(&[]).await;
    let response =
        application.send(b"GET /hello HTTP/1.1\r\nHost: h\r\nX-Odd: \xff\xfe\r\nConnection: close\r\n\r\n").await;
    assert_eq!((response.status, response.body.as_str()), (500, ""));
    application.reported("probe", "header x-odd is not UTF-8").await;
}

#[tokio::test]
async fn a_connection_serves_one_request_after_another() {
    let application = start(&[]).await;
    let both =
        "GET /hello HTTP/1.1\r\nHost: h\r\n\r\nGET /status?code=204 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let mut stream = application.open(both).await;
    let mut text = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut text)).await.expect("both responses must come").unwrap();
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("HTTP/1.1 204"), "{text}");
}

#[tokio::test]
async fn a_request_body_reaches_the_component_sized_or_chunked() {
    let application = start(&[]).await;
    let sized = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabcde";
    let chunked = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
                   2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n";
    for request in [sized, chunked] {
        let response = application.send(request).await;
        assert_eq!((response.body.as_str(), response.complete), ("abcde", true));
    }
}
