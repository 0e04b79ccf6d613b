//! Liveness, readiness, the contract and the page.

use http::{Method, StatusCode};
use serde_json::json;
use support::{App, SOON, closed_port, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_service_is_live_and_ready() {
    let app = App::start().await;
    for path in ["/livez", "/readyz"] {
        let answer = app.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert!(answer.header("content-type").starts_with("text/plain"), "{answer:?}");
        assert_eq!(answer.header("cache-control"), "no-store", "{answer:?}");
        assert!(answer.text.lines().count() >= 1 && answer.text.ends_with('\n'), "{answer:?}");
    }
    assert!(app.get("/readyz").await.text.lines().any(|line| line.contains("database")));
    assert_eq!(
        app.database().count("audit_outbox").await + app.database().count("audit_logs").await,
        0,
        "neither is an operation"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_the_service_is_live_and_not_ready() {
    let app = App::builder().variable("db_port", &closed_port().await).start().await;
    assert_eq!(app.get("/livez").await.status, StatusCode::OK);
    let ready = app.get("/readyz").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.text.contains("database"), "{ready:?}");
    for path in ["/", "/openapi.json"] {
        assert_eq!(app.get(path).await.status, StatusCode::OK);
    }
    for answer in [
        app.get("/items").await,
        app.get("/items?limit=1").await,
        app.get("/items/1").await,
        app.post(json!({ "name": "bolt" })).await,
        app.put("/items/1", json!({ "name": "bolt" })).await,
        app.delete("/items/1").await,
    ] {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        answer.problem();
        assert!(answer.find("retry-after").is_some(), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_with_audit_is_a_line_in_readiness_and_no_reason_to_refuse_work() {
    let app = App::builder().variable("audit_url", &format!("http://127.0.0.1:{}", closed_port().await)).start().await;
    let well = app.get("/readyz").await.text;
    app.create("bolt").await;
    let ill = eventually("readiness tells of audit", SOON, async || {
        let answer = app.get("/readyz").await;
        assert_eq!(answer.status, StatusCode::OK);
        if answer.text.lines().any(|line| line.contains("audit") && !well.contains(line)) {
            Ok(answer)
        } else {
            Err(answer.text)
        }
    })
    .await;
    assert!(!ill.text.contains("127.0.0.1"), "{ill:?}");
    assert_eq!(app.get("/items/1").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_whole_in_itself_and_may_load_nothing_from_elsewhere() {
    let app = App::start().await;
    let page = app.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(
        !policy.contains("unsafe-inline") && !policy.contains("unsafe-eval") && !policy.contains("http"),
        "{policy}"
    );
    for reference in ["src=\"http", "href=\"http", "url(http", "@import", "src=\"//", "href=\"//"] {
        assert!(!page.text.contains(reference), "the page refers to {reference}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_openapi_3_1_in_json() {
    let app = App::start().await;
    let answer = app.send(app.request(Method::GET, "/openapi.json")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/json");
    let version = answer.json()["openapi"].as_str().map(str::to_owned).expect("a version");
    assert!(version.starts_with("3.1."), "{version}");
}
