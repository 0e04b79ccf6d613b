//! Log lines: one per request, complete, without secrets.

use std::collections::BTreeMap;

use host::Source;
use http::Method;
use serde_json::{Value, json};
use support::{App, SOON, closed_port, eventually};

const FIELDS: [&str; 10] =
    ["ts", "level", "component", "msg", "request_id", "trace_id", "method", "route", "status", "duration_ms"];

/// The lines that items wrote about a request, once there is one.
async fn lines_about(app: &App, request_id: &str) -> Vec<Value> {
    eventually(&format!("a line about {request_id}"), SOON, async || {
        let all = guest_lines(app, "items");
        let about: Vec<Value> = all.iter().filter(|line| line["request_id"] == request_id).cloned().collect();
        if about.is_empty() { Err(format!("{all:#?}")) } else { Ok(about) }
    })
    .await
}

/// Every line of a component, all of them JSON.
fn guest_lines(app: &App, component: &str) -> Vec<Value> {
    let lines = app.lines().into_iter().filter(|line| line.source == Source::Stdout && &*line.component == component);
    lines
        .map(|line| serde_json::from_str(&line.text).unwrap_or_else(|error| panic!("{error} in {:?}", line.text)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_has_one_line_that_joins_it_to_its_answer() {
    let app = App::start().await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let cases = [
        (Method::POST, "/items", "/items", 201),
        (Method::GET, "/items", "/items", 200),
        (Method::GET, "/items?limit=1", "/items", 200),
        (Method::GET, "/items/1", "/items/{id}", 200),
        (Method::GET, "/items/2", "/items/{id}", 404),
        (Method::GET, "/items/secret", "/items/{id}", 400),
        (Method::PUT, "/items/1", "/items/{id}", 200),
        (Method::DELETE, "/items/1", "/items/{id}", 204),
        (Method::HEAD, "/items", "/items", 200),
        (Method::OPTIONS, "/items", "/items", 204),
        (Method::GET, "/", "/", 200),
        (Method::GET, "/livez", "/livez", 200),
        (Method::GET, "/readyz", "/readyz", 200),
        (Method::GET, "/openapi.json", "/openapi.json", 200),
        (Method::GET, "/secret/path?key=value", "other", 404),
    ];
    for (method, path, route, status) in cases {
        let request =
            app.request(method.clone(), path).header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"));
        let request = if matches!(method, Method::POST | Method::PUT) {
            request.json(&json!({ "name": "bolt" }))
        } else {
            request
        };
        let answer = app.send(request).await;
        assert_eq!(answer.status, status, "{method} {path}");
        let lines = lines_about(&app, answer.header("x-request-id")).await;
        assert_eq!(lines.len(), 1, "{method} {path}: {lines:#?}");
        let line = &lines[0];
        let keys: Vec<&str> = line.as_object().expect("an object").keys().map(String::as_str).collect();
        for field in FIELDS {
            assert!(keys.contains(&field), "{method} {path}: no {field} in {line}");
        }
        assert_eq!(
            (&line["method"], &line["route"], &line["status"]),
            (&json!(method.as_str()), &json!(route), &json!(status)),
            "{line}"
        );
        assert_eq!((&line["component"], &line["trace_id"]), (&json!("items"), &json!(trace)), "{line}");
        assert!(line["duration_ms"].as_f64().is_some_and(|time| (0.0..10_000.0).contains(&time)), "{line}");
        assert!(["info", "warn", "error"].contains(&line["level"].as_str().expect("a level")), "{line}");
        assert!(!line.to_string().contains("secret") && !line.to_string().contains("value"), "{line}");
        let ts = line["ts"].as_str().expect("a time").to_owned();
        let recent: bool = sqlx::query_scalar(
            "SELECT $1::timestamptz BETWEEN now() - interval '1 minute' AND now() + interval '1 second'",
        )
        .bind(&ts)
        .fetch_one(app.db())
        .await
        .expect("RFC 3339");
        assert!(recent && ts.ends_with('Z'), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_logged_with_its_causes_and_answered_without() {
    let app = App::start().await;
    app.database().run("ALTER FUNCTION items_get RENAME TO items_get_gone").await;
    let answer = app.get("/items/1").await;
    assert_eq!(answer.status, 503);
    assert!(!answer.text.contains("items_get"), "{answer:?}");
    let lines = lines_about(&app, answer.header("x-request-id")).await;
    assert_eq!((lines.len(), &lines[0]["level"]), (1, &json!("error")), "{lines:#?}");
    let error = lines[0]["error"].as_str().expect("the cause chain");
    assert!(error.contains("items_get") && error.contains("does not exist"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_requests_at_the_same_time_do_not_mix() {
    let app = App::start().await;
    let answers = futures::future::join_all((0..64).map(|_| app.get("/items/1"))).await;
    for answer in &answers {
        assert_eq!(lines_about(&app, answer.header("x-request-id")).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_batch_that_audit_takes_has_one_line_of_its_own() {
    let app = App::start().await;
    app.create("bolt").await;
    app.audited(1, SOON).await;
    let line = eventually("a line of audit", SOON, async || {
        let lines = guest_lines(&app, "audit");
        lines.iter().find(|line| line["route"] == "/events").cloned().ok_or_else(|| format!("{lines:#?}"))
    })
    .await;
    for field in FIELDS {
        assert!(line.as_object().expect("an object").contains_key(field), "no {field} in {line}");
    }
    assert_eq!((&line["component"], &line["method"], &line["status"]), (&json!("audit"), &json!("POST"), &json!(204)));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_password_is_ever_logged_or_answered() {
    let wrong = "wrong-password-7f3a";
    let apps = BTreeMap::from([
        ("everything well", App::start().await),
        ("no database", App::builder().variable("db_port", &closed_port().await).start().await),
        ("wrong password of items", App::builder().variable("items_db_password", wrong).start().await),
        ("wrong password of audit", App::builder().variable("audit_db_password", wrong).start().await),
        (
            "a password that is no address",
            App::builder().variable("items_db_password", "it's broken-7f3a").start().await,
        ),
        ("no such database", App::builder().variable("db_name", "nowhere").start().await),
    ]);
    for (what, app) in &apps {
        let mut texts = Vec::new();
        for answer in [
            app.post(json!({ "name": "bolt" })).await,
            app.get("/items").await,
            app.get("/items/1").await,
            app.get("/readyz").await,
            app.get("/livez").await,
        ] {
            texts.push(format!("{answer:?}"));
        }
        lines_about(app, app.get("/items/2").await.header("x-request-id")).await;
        texts.extend(app.logs());
        let passwords = app
            .database()
            .variables()
            .into_iter()
            .filter(|(name, _)| name.ends_with("password"))
            .map(|(_, password)| password);
        for password in passwords.chain([wrong.to_owned(), "broken-7f3a".into()]) {
            assert!(password.len() > 8, "a password this short proves nothing");
            let leak = texts.iter().find(|text| text.contains(&password));
            assert!(leak.is_none(), "{what}: {leak:?}");
        }
    }
}
