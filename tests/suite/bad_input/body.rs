//! The body: no JSON, no item, too large, or declared as something else.

use http::Method;
use reqwest::{Body, RequestBuilder};
use serde_json::{Value, json};
use support::{App, SOON, exchange};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{nothing_happened, refused, with_an_item};

const LIMIT: usize = 64 << 10;

/// `POST /items` and `PUT /items/1`, as JSON.
fn writes(app: &App, body: impl Into<Body> + Clone) -> [RequestBuilder; 2] {
    [(Method::POST, "/items"), (Method::PUT, "/items/1")]
        .map(|(method, path)| app.request(method, path).header("Content-Type", "application/json").body(body.clone()))
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_not_json_answers_400() {
    let app = with_an_item().await;
    let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let nested_object = format!("{{\"name\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
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
        for request in writes(&app, body.to_vec()) {
            refused(&app, what, request, 400, "body").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_the_wrong_shape_answers_422_and_names_each_field() {
    let app = with_an_item().await;
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
        (
            "description of 10 001 characters",
            json!({ "name": "bolt", "description": "x".repeat(10_001) }),
            "description",
        ),
        ("description is null", json!({ "name": "bolt", "description": null }), "description"),
        ("NUL in the description", json!({ "name": "bolt", "description": "\0" }), "description"),
        ("unknown field", json!({ "name": "bolt", "price": 1 }), "price"),
        ("a field that only the service sets", json!({ "name": "bolt", "id": 7 }), "id"),
        ("a field in another case", json!({ "name": "bolt", "Description": "M6" }), "Description"),
    ];
    for (what, body, names) in cases {
        for request in writes(&app, body.to_string()) {
            refused(&app, what, request, 422, names).await;
        }
    }
    for request in writes(&app, json!({ "description": 1, "price": 1 }).to_string()) {
        let problem = app.send(request).await.problem();
        let mut fields: Vec<&str> = problem["errors"]
            .as_array()
            .expect("errors")
            .iter()
            .map(|error| error["field"].as_str().expect("a field"))
            .collect();
        fields.sort_unstable();
        assert_eq!(fields, ["description", "name", "price"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_64_kib_answers_413_with_and_without_its_length() {
    let app = with_an_item().await;
    let padded = |bytes: usize| {
        let text = json!({ "name": "bolt" }).to_string();
        " ".repeat(bytes - text.len()) + text.as_str()
    };
    for request in writes(&app, padded(LIMIT + 1)) {
        refused(&app, "64 KiB + 1", request, 413, "body").await;
    }
    for (method, path) in [(Method::POST, "/items"), (Method::PUT, "/items/1")] {
        let parts: Vec<Result<Vec<u8>, std::io::Error>> =
            padded(LIMIT + 1).into_bytes().chunks(10_000).map(|part| Ok(part.to_vec())).collect();
        let body = Body::wrap_stream(futures::stream::iter(parts));
        let request = app.request(method, path).header("Content-Type", "application/json").body(body);
        refused(&app, "64 KiB + 1, chunked", request, 413, "body").await;
    }
    for announced in ["65537", "999999999999", "9999999999999999999"] {
        let request = format!(
            "POST /items HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {announced}\r\nConnection: close\r\n\r\n",
            app.address()
        );
        let answer = exchange(app.address(), request).await;
        assert_eq!(answer.status, Some(413), "announced {announced}: {answer:?}");
    }
    nothing_happened(&app, "only announced").await;
    for request in writes(&app, padded(LIMIT)) {
        assert!(app.send(request).await.status.is_success(), "exactly 64 KiB is fine");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_body_is_taken_off_the_wire_so_that_its_sender_reads_the_answer() {
    let app = with_an_item().await;
    let length = LIMIT * 2;
    let chunk = format!("{length:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(length));
    let announced = format!("Content-Length: {length}\r\n");
    let cases = [
        ("too large", "POST", "application/json", announced.as_str(), "x".repeat(length), 413),
        ("too large, chunked", "POST", "application/json", "Transfer-Encoding: chunked\r\n", chunk, 413),
        ("not JSON", "POST", "text/plain", &announced, "x".repeat(length), 415),
        ("no such method", "PATCH", "application/json", &announced, "x".repeat(length), 405),
    ];
    for (what, method, kind, framing, body, status) in cases {
        let head =
            format!("{method} /items HTTP/1.1\r\nHost: {}\r\nContent-Type: {kind}\r\n{framing}\r\n", app.address());
        let next = format!("GET /livez HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", app.address());
        // The last bytes of the body come only once the answer has long been sent.
        let (early, late) = body.split_at(body.len() - 1000);
        let mut stream = TcpStream::connect(app.address()).await.expect("connect to the host");
        stream.write_all((head + early).as_bytes()).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        let answer = answer_on(&mut stream).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{what}: {answer}");
        stream.write_all(format!("{late}{next}").as_bytes()).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        let answer = answer_on(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{what}, the next request on this connection: {answer}");
    }
    nothing_happened(&app, "refused bodies").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_body_that_does_not_end_is_not_taken_for_ever() {
    let app = with_an_item().await;
    let head = format!(
        "POST /items HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        app.address()
    );
    let chunk = format!("{LIMIT:x}\r\n{}\r\n", "x".repeat(LIMIT));
    let mut stream = TcpStream::connect(app.address()).await.expect("connect to the host");
    stream.write_all(head.as_bytes()).await.expect("send the head");
    let send = async { while stream.write_all(chunk.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(SOON, send).await.expect("the connection is closed");
    nothing_happened(&app, "a body without end").await;
}

/// The head of the next answer on a connection.
async fn answer_on(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let read = async {
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("an answer"));
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        stream.read_exact(&mut vec![0; length]).await.expect("the whole answer");
        text
    };
    tokio::time::timeout(SOON, read).await.expect("an answer in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_declared_as_json_answers_415() {
    let app = with_an_item().await;
    let body = json!({ "name": "bolt" }).to_string();
    for (method, path) in [(Method::POST, "/items"), (Method::PUT, "/items/1")] {
        let request = app.request(method.clone(), path).body(body.clone());
        refused(&app, "no Content-Type", request, 415, "Content-Type").await;
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
        ] {
            let request = app.request(method.clone(), path).header("Content-Type", kind).body(body.clone());
            refused(&app, kind, request, 415, "Content-Type").await;
        }
        let twice = app
            .request(method, path)
            .header("Content-Type", "application/json")
            .header("Content-Type", "text/plain")
            .body(body.clone());
        refused(&app, "two types", twice, 415, "Content-Type").await;
    }
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "Application/JSON",
        "application/json; charset=\"utf-8\"",
    ] {
        let answer =
            app.send(app.request(Method::POST, "/items").header("Content-Type", kind).body(body.clone())).await;
        assert_eq!(answer.status, 201, "{kind}: {answer:?}");
    }
}
