//! What leaves through the front door: each answer with its headers, none with the inside.

use http::Method;
use serde_json::json;
use support::{Answer, App, closed_port, exchange};

/// Headers an answer may have. Another one might tell something, as `Server` does.
const HEADERS: [&str; 18] = [
    "allow",
    "cache-control",
    "connection",
    "content-length",
    "content-security-policy",
    "content-type",
    "cross-origin-resource-policy",
    "date",
    "etag",
    "idempotency-replayed",
    "link",
    "location",
    "referrer-policy",
    "retry-after",
    "server-timing",
    "transfer-encoding",
    "x-content-type-options",
    "x-request-id",
];

/// An answer of each status and kind that a healthy service gives.
async fn healthy(app: &App) -> Vec<Answer> {
    let name = || json!({ "name": "bolt" });
    let request = |method: Method, path: &str| app.request(method, path);
    let mut answers = vec![app.post(name()).await];
    for path in [
        "/",
        "/livez",
        "/readyz",
        "/openapi.json",
        "/items",
        "/items?limit=1",
        "/items/1",
        "/items/2",
        "/items/x",
        "/nowhere",
        "/events",
    ] {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::PATCH] {
            answers.push(app.send(request(method, path)).await);
        }
    }
    for request in [
        request(Method::GET, "/items/1").header("If-None-Match", "*"),
        request(Method::PUT, "/items/1").json(&name()),
        request(Method::PUT, "/items/1").json(&name()).header("If-Match", "\"9\""),
        request(Method::PUT, "/items/1").json(&json!({ "name": "" })),
        request(Method::POST, "/items").json(&json!({ "name": "x".repeat(70_000) })),
        request(Method::POST, "/items").body("{}").header("Content-Type", "text/plain"),
        request(Method::POST, "/items").body("{").header("Content-Type", "application/json"),
        request(Method::DELETE, "/items/1"),
    ] {
        answers.push(app.send(request).await);
    }
    answers
}

/// Answers of a service that cannot reach its database.
async fn lost(app: &App) -> Vec<Answer> {
    vec![
        app.get("/items").await,
        app.get("/items/1").await,
        app.post(json!({ "name": "bolt" })).await,
        app.put("/items/1", json!({ "name": "bolt" })).await,
        app.delete("/items/1").await,
        app.get("/readyz").await,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_security_headers_and_no_header_that_tells_more() {
    let app = App::start().await;
    let down = App::builder().variable("db_port", &closed_port().await).start().await;
    let mut answers = healthy(&app).await;
    app.database().run("INSERT INTO items (name, description, created_at, updated_at) SELECT 'bolt', repeat('x', 1000), now(), now() FROM generate_series(1, 2000)").await;
    let streamed = app.get("/items").await;
    assert!(streamed.text.len() > 2_000_000 && streamed.find("content-length").is_none(), "the list is streamed");
    answers.extend([streamed]);
    answers.extend(lost(&down).await);
    let statuses: std::collections::BTreeSet<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    assert!(
        [200, 201, 204, 304, 400, 404, 405, 412, 413, 415, 422, 503].iter().all(|status| statuses.contains(status)),
        "{statuses:?}"
    );
    for answer in answers {
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{answer:?}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{answer:?}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{answer:?}");
        let policy = answer.header("content-security-policy");
        for directive in ["default-src 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(directive) && !policy.contains("unsafe"), "{policy}");
        }
        let caching = answer.header("cache-control");
        assert_eq!(caching, if answer.status.as_u16() >= 400 { "no-store" } else { caching }, "{answer:?}");
        assert!(["no-store", "no-cache"].contains(&caching), "{answer:?}");
        for name in answer.headers.keys() {
            assert!(HEADERS.contains(&name.as_str()), "{name} in {answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn audits_answers_carry_the_security_headers_too() {
    let app = App::builder().audit_in_the_open().start().await;
    for (method, status) in [("POST", 415), ("GET", 405), ("OPTIONS", 204)] {
        let request =
            format!("{method} /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let answer = exchange(app.address(), request).await;
        assert_eq!(answer.status, Some(status), "{answer:?}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{answer:?}");
        }
        assert!(
            answer.header("content-security-policy").is_some_and(|policy| policy.contains("default-src 'none'")),
            "{answer:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_error_tells_of_the_inside() {
    let apps = [
        ("all is well", App::start().await),
        ("no database", App::builder().variable("db_port", &closed_port().await).start().await),
        ("a wrong password", App::builder().variable("items_db_password", "wrong-password-7f3a").start().await),
        ("no such database", App::builder().variable("db_name", "nowhere").start().await),
        ("an address that is none", App::builder().variable("db_sslmode", "perhaps").start().await),
        ("another schema", App::start().await),
    ];
    for function in ["items_get", "items_ready", "items_create"] {
        apps[5].1.database().run(&format!("ALTER FUNCTION {function} RENAME TO {function}_gone")).await;
    }
    // What the database's own errors would name.
    let mut inside: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace UNION SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    )
    .fetch_all(apps[0].1.db())
    .await
    .expect("the names");
    inside.retain(|name| name.contains('_'));
    assert!(inside.len() > 20, "{inside:?}");
    let words = [
        "SELECT ",
        "SQLSTATE",
        "postgres",
        "password",
        "7f3a",
        "panicked",
        ".rs",
        "wasm",
        "127.0.0.1",
        "localhost",
        "nowhere",
        "role ",
        "perhaps",
        "db_",
        "spin",
    ];
    inside.extend(words.map(str::to_owned));

    for (what, app) in &apps {
        let mut answers = lost(app).await;
        if *what == "all is well" {
            answers.extend(healthy(app).await);
        }
        let errors: Vec<_> = answers.into_iter().filter(|answer| answer.status.as_u16() >= 400).collect();
        assert!(!errors.is_empty(), "{what}: no error to look at");
        for answer in errors {
            let told = inside.iter().find(|word| answer.text.contains(*word));
            assert!(told.is_none(), "{what}: {told:?} in {answer:?}");
        }
    }
}
