//! The head: ids, query, conditions, keys, routes and methods.

use http::Method;
use serde_json::json;

use super::{nothing_happened, refused, with_an_item};

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_cannot_be_one_answers_400() {
    let app = with_an_item().await;
    for id in [
        "0",
        "-1",
        "text",
        "1.0",
        "1e0",
        "+1",
        "0x1",
        "%31",
        "1%20",
        "9223372036854775808",
        "99999999999999999999999999",
        "\u{661}",
        "1,2",
        "null",
    ] {
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
            let request = app.request(method.clone(), &format!("/items/{id}"));
            let request = if method == Method::PUT { request.json(&json!({ "name": "nut" })) } else { request };
            if method == Method::HEAD {
                assert_eq!(app.send(request).await.status, 400, "HEAD {id}");
            } else {
                refused(&app, id, request, 400, "id").await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_is_not_understood_answers_400() {
    let app = with_an_item().await;
    let cases: [(&str, &str); 19] = [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=-1", "limit"),
        ("limit=text", "limit"),
        ("limit=", "limit"),
        ("limit", "limit"),
        ("limit=1.5", "limit"),
        ("limit=+1", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("limit=1&limit=1", "limit"),
        ("limit=1&limit=2", "limit"),
        ("after=-1", "after"),
        ("after=text", "after"),
        ("after=", "after"),
        ("after=9223372036854775808", "after"),
        ("after=1&after=1", "after"),
        ("offset=1", "offset"),
        ("limit=1&page=2", "page"),
        ("Limit=1", "Limit"),
    ];
    for (query, names) in cases {
        let request = app.request(Method::GET, &format!("/items?{query}"));
        refused(&app, query, request, 400, names).await;
    }
    for (method, path) in [
        (Method::GET, "/items/1?limit=1"),
        (Method::DELETE, "/items/1?force=1"),
        (Method::PUT, "/items/1?force=1"),
        (Method::POST, "/items?limit=1"),
    ] {
        let request = app.request(method.clone(), path);
        let request = if method == Method::PUT || method == Method::POST {
            request.json(&json!({ "name": "nut" }))
        } else {
            request
        };
        let key = path.split(['?', '=']).nth(1).expect("a key");
        refused(&app, path, request, 400, key).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_condition_answers_400() {
    let app = with_an_item().await;
    for condition in [
        "",
        "1",
        "\"1",
        "1\"",
        "\"1\" \"2\"",
        "*, \"1\"",
        "\"1\", *",
        "w/\"1\"",
        "W/1",
        "**",
        ",",
        "\"1\"; \"2\"",
        "\"a b\"",
    ] {
        let put = app.request(Method::PUT, "/items/1").header("If-Match", condition).json(&json!({ "name": "nut" }));
        refused(&app, condition, put, 400, "If-Match").await;
        refused(
            &app,
            condition,
            app.request(Method::DELETE, "/items/1").header("If-Match", condition),
            400,
            "If-Match",
        )
        .await;
        refused(
            &app,
            condition,
            app.request(Method::GET, "/items/1").header("If-None-Match", condition),
            400,
            "If-None-Match",
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_that_is_empty_too_long_or_repeated_answers_400() {
    let app = with_an_item().await;
    let create = || app.request(Method::POST, "/items").json(&json!({ "name": "nut" }));
    for (what, key) in [("empty", String::new()), ("256 characters", "k".repeat(256)), ("not ASCII", "é".into())] {
        refused(&app, what, create().header("Idempotency-Key", key), 400, "Idempotency-Key").await;
    }
    refused(
        &app,
        "twice",
        create().header("Idempotency-Key", "a").header("Idempotency-Key", "b"),
        400,
        "Idempotency-Key",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_routes_answer_404_and_wrong_methods_405() {
    let app = with_an_item().await;
    for (method, path, status) in [
        ("GET", "/nowhere", 404),
        ("POST", "/items/1/x", 404),
        ("DELETE", "/items", 405),
        ("POST", "/items/1", 405),
        ("POST", "/", 405),
        ("BREW", "/items", 405),
    ] {
        let request = app.request(method.parse().expect("a method"), path).json(&json!({ "name": "nut" }));
        let answer = app.send(request).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        answer.problem();
        nothing_happened(&app, path).await;
    }
}
