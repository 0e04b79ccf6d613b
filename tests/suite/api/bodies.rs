//! Bodies of `POST /items` and `PUT /items/{id}` that are refused: not JSON, not an item, too large, of another type.

use reqwest::{Body, RequestBuilder};
use support::{App, Method, SOON, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{nothing_happened, refused, with_an_item};

const LIMIT: usize = 64 << 10;

/// `POST /items` and `PUT /items/1` without a body.
fn writes(app: &App) -> [RequestBuilder; 2] {
    [app.request(Method::POST, "/items"), app.request(Method::PUT, "/items/1")]
}

/// The same with a body that is declared as JSON.
fn with_body(app: &App, body: impl Into<Body> + Clone) -> [RequestBuilder; 2] {
    writes(app).map(|request| request.header("Content-Type", "application/json").body(body.clone()))
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_not_json_answers_400() {
    let app = with_an_item().await;
    let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let nested_object = format!("{{\"name\":{nested}}}");
    let cases: [(&str, &[u8]); 16] = [
        ("empty", b""),
        ("blank", b" \n"),
        ("not JSON", b"name=bolt"),
        ("cut short", b"{\"name\":\"bolt\""),
        ("more than one", b"{\"name\":\"bolt\"}{}"),
        ("single quotes", b"{'name':'bolt'}"),
        ("trailing comma", b"{\"name\":\"bolt\",}"),
        ("byte order mark", b"\xef\xbb\xbf{\"name\":\"bolt\"}"),
        ("not UTF-8", b"{\"name\":\"bolt\xff\"}"),
        ("bare control character", b"{\"name\":\"bo\x01lt\"}"),
        ("lone high surrogate", br#"{"name":"\ud800"}"#),
        ("lone low surrogate in an unknown field", br#"{"name":"bolt","x":"\udc00"}"#),
        ("duplicate keys", br#"{"name":"nut","name":"bolt"}"#),
        ("duplicate keys, one escaped", br#"{"name":"nut","n\u0061me":"bolt"}"#),
        ("10 000 nested arrays", nested.as_bytes()),
        ("10 000 nested arrays in a field", nested_object.as_bytes()),
    ];
    for (what, body) in cases {
        for request in with_body(&app, body.to_vec()) {
            refused(&app, what, request, 400, "body").await;
        }
    }
    // RFC 8259, section 8.1: it may be refused, but then the sender has to learn what it is.
    for request in with_body(&app, "\u{feff}{\"name\":\"bolt\"}") {
        let detail = app.send(request).await.problem()["detail"].to_string();
        assert!(detail.contains("byte order mark"), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_the_wrong_shape_answers_422_and_names_each_field() {
    let app = with_an_item().await;
    let too_long = "x".repeat(10_001);
    let cases: [(&str, Value, &str); 21] = [
        ("an array", json!([]), "body"),
        ("an array with the object in it", json!([{ "name": "bolt" }]), "body"),
        ("a string", json!("bolt"), "body"),
        ("null", json!(null), "body"),
        ("missing name", json!({}), "name"),
        ("missing name beside a description", json!({ "description": "M6" }), "name"),
        ("empty name", json!({ "name": "" }), "name"),
        ("name is null", json!({ "name": null }), "name"),
        ("name is a number", json!({ "name": 1 }), "name"),
        ("name is an object", json!({ "name": { "en": "bolt" } }), "name"),
        ("name of 201 characters", json!({ "name": "x".repeat(201) }), "name"),
        ("name of 201 characters of four bytes", json!({ "name": "🔩".repeat(201) }), "name"),
        ("NUL in the name", json!({ "name": "bo\0lt" }), "name"),
        ("description is a number", json!({ "name": "bolt", "description": 1.5 }), "description"),
        ("description is a list", json!({ "name": "bolt", "description": ["M6"] }), "description"),
        ("description of 10 001 characters", json!({ "name": "bolt", "description": too_long }), "description"),
        ("description is null", json!({ "name": "bolt", "description": null }), "description"),
        ("NUL in the description", json!({ "name": "bolt", "description": "\0" }), "description"),
        ("unknown field", json!({ "name": "bolt", "price": 1 }), "price"),
        ("a field that only the service sets", json!({ "name": "bolt", "id": 7 }), "id"),
        ("a field in another case", json!({ "name": "bolt", "Description": "M6" }), "Description"),
    ];
    for (what, body, named) in cases {
        for request in with_body(&app, body.to_string()) {
            refused(&app, what, request, 422, named).await;
        }
    }
    // RFC 8259, section 6: they are JSON, though no double holds the first two.
    for number in ["1e400", "-1E+400", "1e-400"] {
        for request in with_body(&app, format!(r#"{{"name":{number}}}"#)) {
            refused(&app, number, request, 422, "name").await;
        }
    }
    for request in with_body(&app, json!({ "description": 1, "price": 1 }).to_string()) {
        let problem = app.send(request).await.problem();
        let errors = problem["errors"].as_array().expect("errors");
        let mut fields: Vec<&str> = errors.iter().filter_map(|error| error["field"].as_str()).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["description", "name", "price"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_64_kib_answers_413_with_and_without_its_length() {
    let app = with_an_item().await;
    let item = json!({ "name": "bolt" }).to_string();
    let padded = |bytes: usize| " ".repeat(bytes - item.len()) + item.as_str();
    for request in with_body(&app, padded(LIMIT + 1)) {
        refused(&app, "64 KiB + 1", request, 413, "body").await;
    }
    for request in writes(&app) {
        let body = padded(LIMIT + 1).into_bytes();
        let parts: Vec<Result<Vec<u8>, std::io::Error>> = body.chunks(10_000).map(|part| Ok(part.to_vec())).collect();
        let body = Body::wrap_stream(futures::stream::iter(parts));
        let request = request.header("Content-Type", "application/json").body(body);
        refused(&app, "64 KiB + 1, chunked", request, 413, "body").await;
    }
    for announced in ["65537", "999999999999", "9999999999999999999"] {
        let head = "POST /items HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close";
        let response = app.exchange(format!("{head}\r\nContent-Length: {announced}\r\n\r\n")).await;
        assert_eq!(response.status, Some(413), "announced {announced}: {response:?}");
    }
    nothing_happened(&app, "only announced").await;
    for request in with_body(&app, padded(LIMIT)) {
        assert!(app.send(request).await.status.is_success(), "exactly 64 KiB is accepted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_declared_as_json_answers_415() {
    let app = with_an_item().await;
    let body = json!({ "name": "bolt" }).to_string();
    for request in writes(&app).map(|request| request.body(body.clone())) {
        refused(&app, "no Content-Type", request, 415, "Content-Type").await;
    }
    for kind in [
        "",
        "text/plain",
        "text/json",
        "application/jsonp",
        "application/json-patch+json",
        "application/x-www-form-urlencoded",
        "application/json, text/plain",
        "json",
        "application/json; charset=latin1",
        "application/json; version=1",
    ] {
        for request in writes(&app).map(|request| request.header("Content-Type", kind).body(body.clone())) {
            refused(&app, kind, request, 415, "Content-Type").await;
        }
    }
    for request in with_body(&app, body.clone()).map(|request| request.header("Content-Type", "text/plain")) {
        refused(&app, "two types", request, 415, "Content-Type").await;
    }
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "Application/JSON",
        "application/json; charset=\"utf-8\"",
        // RFC 9110, section 5.6.6: a parameter may be empty.
        "application/json;",
        "application/json; ; charset=utf-8 ;",
    ] {
        let request = app.request(Method::POST, "/items").header("Content-Type", kind).body(body.clone());
        assert_eq!(app.send(request).await.status, 201, "{kind}");
    }
}

/// RFC 9110, sections 14.5 and 15.5.16.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_body_answers_400_and_a_compressed_one_415_with_what_is_accepted() {
    let app = with_an_item().await;
    let body = json!({ "name": "bolt" }).to_string();
    for request in with_body(&app, body.clone()) {
        refused(&app, "a part", request.header("Content-Range", "bytes 0-15/16"), 400, "Content-Range").await;
    }
    for request in with_body(&app, body) {
        let request = request.header("Content-Encoding", "gzip");
        refused(&app, "gzip", request.try_clone().expect("a text"), 415, "Content-Encoding").await;
        assert_eq!(app.send(request).await.header("accept-encoding"), "identity");
    }
}

/// RFC 9112, section 9.6: a server that refuses a body reads on, so that the sender gets the response. The connection
/// stays usable, or the response says that it closes.
#[tokio::test(flavor = "multi_thread")]
async fn the_sender_of_a_refused_body_gets_the_response_in_every_framing() {
    let app = with_an_item().await;
    for length in [LIMIT * 4, LIMIT * 48] {
        let body = "x".repeat(length);
        let framings = [
            (format!("Content-Length: {length}\r\n"), body.clone()),
            ("Transfer-Encoding: chunked\r\n".to_owned(), format!("{length:x}\r\n{body}\r\n0\r\n\r\n")),
        ];
        for (framing, body) in &framings {
            for (method, path, kind, status) in [
                ("POST", "/items", "text/plain", 415),
                ("POST", "/items", "application/json", 413),
                ("POST", "/nowhere", "application/json", 404),
                ("PATCH", "/items", "application/json", 405),
                ("DELETE", "/items/x", "application/json", 400),
            ] {
                let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{framing}");
                let needed = if status == 413 && framing.starts_with('T') { body.len() / 2 } else { 0 };
                for expect in ["", "Expect: 100-continue\r\n"] {
                    for early in [needed, body.len() / 2, body.len()] {
                        refuses(&app, &format!("{head}{expect}\r\n"), body, early, status).await;
                    }
                }
            }
        }
    }
    nothing_happened(&app, "refused bodies").await;
}

/// Sends `early` bytes of the body before it reads the response, the others afterwards, and then another request.
async fn refuses(app: &App, head: &str, body: &str, early: usize, status: u16) {
    let failed = |error: std::io::Error| panic!("{status}, {early} bytes early: {error}\n{head}");
    let (early, late) = body.split_at(early);
    let next = "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut stream = TcpStream::connect(app.address()).await.expect("connect to the host");
    stream.write_all(format!("{head}{early}").as_bytes()).await.unwrap_or_else(failed);
    let mut response = next_head(&mut stream).await;
    if response.starts_with("HTTP/1.1 100 ") {
        response = next_head(&mut stream).await;
    }
    assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {response}");
    let closes = response.contains("\r\nconnection: close\r\n");
    stream.write_all(format!("{late}{}", if closes { "" } else { next }).as_bytes()).await.unwrap_or_else(failed);
    let mut rest = String::new();
    timeout(SOON, stream.read_to_string(&mut rest))
        .await
        .expect("the connection ends")
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(if closes { rest.is_empty() } else { rest.starts_with("HTTP/1.1 200 ") }, "{head}: {response}{rest}");
}

/// Reads the next response on a connection and returns its head.
async fn next_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let read = async {
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("a response"));
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        stream.read_exact(&mut vec![0; length]).await.expect("the whole response");
        text
    };
    timeout(SOON, read).await.expect("a response in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_body_without_an_end_is_cut_off() {
    let app = with_an_item().await;
    let head = "POST /items HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("{LIMIT:x}\r\n{}\r\n", "x".repeat(LIMIT));
    let mut stream = TcpStream::connect(app.address()).await.expect("connect to the host");
    stream.write_all(head.as_bytes()).await.expect("send the head");
    let send = async { while stream.write_all(chunk.as_bytes()).await.is_ok() {} };
    timeout(SOON, send).await.expect("the connection is closed");
    nothing_happened(&app, "a body without an end").await;
}
