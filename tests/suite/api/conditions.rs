//! `ETag` and conditions (RFC 9110, section 13.1).

use futures::future::join_all;
use support::{App, Method, Response, SOON, StatusCode, json};

use super::{refused, with_an_item};

/// Values of `If-Match` that hold for version 2; comparison is strong. `2@` stands for its tag.
const MATCHING: [&str; 6] =
    ["\"2@\"", "*", "\"1@\", \"2@\"", "\"1@\",\"2@\",\"3@\"", "\"x\",, \"2@\" ,", "W/\"1@\", \"2@\""];
/// Values of `If-Match` that do not; the last ones are tags of another incarnation of the database.
const STALE: [&str; 12] = [
    "\"1@\"",
    "\"3@\"",
    "W/\"2@\"",
    "\"\"",
    "\"*\"",
    "\"02@\"",
    "\"x\"",
    "\"1@\", \"x,2@\"",
    "\"9223372036854775808@\"",
    "\"2\"",
    "\"2-00000000\"",
    "\"2@0\"",
];
/// Values of either header that are not well-formed.
const MALFORMED: [&str; 13] = [
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
];

/// An application whose item 1 is at version 2.
async fn at_version_two() -> App {
    let app = App::start().await;
    app.create("bolt").await;
    let updated = app.put("/items/1", json!({ "name": "nut" })).await;
    assert_eq!(updated.header("etag"), app.database().tag(2).await);
    app
}

/// A condition with the incarnation of the application's database in its tags.
async fn here(app: &App, condition: &str) -> String {
    condition.replace('@', app.database().tag(1).await.trim_matches('"').trim_start_matches('1'))
}

async fn put(app: &App, condition: &str) -> Response {
    let condition = here(app, condition).await;
    app.send(app.request(Method::PUT, "/items/1").header("If-Match", condition).json(&json!({ "name": "screw" }))).await
}

async fn get(app: &App, condition: &str) -> Response {
    let condition = here(app, condition).await;
    app.send(app.request(Method::GET, "/items/1").header("If-None-Match", condition)).await
}

async fn delete(app: &App, id: i64, condition: &str) -> Response {
    let condition = here(app, condition).await;
    app.send(app.request(Method::DELETE, &format!("/items/{id}")).header("If-Match", condition)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_happens_when_its_condition_holds() {
    let app = at_version_two().await;
    let third = app.database().tag(3).await;
    for condition in MATCHING {
        app.database().run("UPDATE items SET version = 2").await;
        let response = put(&app, condition).await;
        assert_eq!((response.status, response.header("etag")), (StatusCode::OK, &*third), "If-Match: {condition}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_update_answers_412_and_changes_nothing() {
    let app = at_version_two().await;
    let before = app.get("/items/1").await.item();
    for condition in STALE {
        let response = put(&app, condition).await;
        assert_eq!(response.status, StatusCode::PRECONDITION_FAILED, "If-Match: {condition}");
        response.problem();
    }
    assert_eq!(app.get("/items/1").await.item(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_happens_only_when_its_condition_holds() {
    let app = at_version_two().await;
    for condition in STALE {
        assert_eq!(delete(&app, 1, condition).await.status, 412, "If-Match: {condition}");
    }
    for condition in MATCHING {
        let item = app.create("bolt").await;
        app.database().run("UPDATE items SET version = 2").await;
        assert_eq!(delete(&app, item.id, condition).await.status, 204, "If-Match: {condition}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_if_match_lines_are_one_list() {
    let app = at_version_two().await;
    let [first, second] = [app.database().tag(1).await, app.database().tag(2).await];
    let request = app.request(Method::DELETE, "/items/1").header("If-Match", first).header("If-Match", second);
    assert_eq!(app.send(request).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_version_answers_304_without_a_body() {
    let app = at_version_two().await;
    let second = app.database().tag(2).await;
    for condition in ["\"2@\"", "W/\"2@\"", "*", "\"1@\", \"2@\"", "\"x\", W/\"2@\""] {
        let response = get(&app, condition).await;
        assert_eq!((response.status.as_u16(), response.text.as_str()), (304, ""), "If-None-Match: {condition}");
        assert_eq!(response.header("etag"), second);
    }
    for condition in
        ["\"1@\"", "\"3@\"", "\"\"", "\"*\"", "W/\"1@\"", "\"0@\"", "\"2\"", "\"2-00000000\"", "\"x\", \"1@,2@\""]
    {
        let response = get(&app, condition).await;
        assert_eq!((response.status.as_u16(), &*response.item().name), (200, "nut"), "If-None-Match: {condition}");
    }
    let head = app.send(app.request(Method::HEAD, "/items/1").header("If-None-Match", second)).await;
    assert_eq!(head.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_updates_of_one_version_exactly_one_happens() {
    let app = at_version_two().await;
    let responses = join_all((0..8).map(|_| put(&app, "\"2@\""))).await;
    let mut statuses: Vec<u16> = responses.iter().map(|response| response.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
    assert_eq!(app.get("/items/1").await.header("etag"), app.database().tag(3).await);
    app.audited(11, SOON).await;
    assert_eq!(app.database().tally().await["update precondition_failed"], 7);
}

/// RFC 9110, 8.8.1: a validator is unique to the content it was sent with.
#[tokio::test(flavor = "multi_thread")]
async fn no_tag_of_the_time_before_a_restore_matches_other_content_afterwards() {
    let app = at_version_two().await;
    let lost = app.get("/items/1").await;
    // The backup has version 1, and another update follows.
    app.database().run("UPDATE items SET name = 'bolt', version = 1").await;
    app.database().apply_schema_after_a_restore().await;
    let again = app.put("/items/1", json!({ "name": "screw" })).await;
    assert_ne!(again.header("etag"), lost.header("etag"));
    assert_eq!(get(&app, lost.header("etag")).await.item().name, "screw");
    assert_eq!(put(&app, lost.header("etag")).await.status, 412);
    assert!(app.create("new").await.id > 1_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_on_a_tag_that_is_not_evaluated_answers_400() {
    let app = with_an_item().await;
    for (method, path, evaluated) in [
        (Method::GET, "/items", ""),
        (Method::POST, "/items", ""),
        (Method::GET, "/items/1", "If-None-Match"),
        (Method::PUT, "/items/1", "If-Match"),
        (Method::DELETE, "/items/1", "If-Match"),
        (Method::GET, "/livez", ""),
        (Method::GET, "/readyz", ""),
        (Method::GET, "/openapi.json", "If-None-Match"),
        (Method::GET, "/", "If-None-Match"),
    ] {
        for header in ["If-Match", "If-None-Match"].into_iter().filter(|header| *header != evaluated) {
            for condition in ["*", "\"1\""] {
                let request =
                    app.request(method.clone(), path).json(&json!({ "name": "nut" })).header(header, condition);
                refused(&app, &format!("{method} {path}"), request, 400, header).await;
            }
        }
    }
}

/// RFC 9110, sections 13.1.3 to 13.1.5: they must be ignored where there is no modification date, and no range.
#[tokio::test(flavor = "multi_thread")]
async fn conditions_on_dates_and_ranges_are_ignored() {
    let app = with_an_item().await;
    let past = "Thu, 01 Jan 1970 00:00:00 GMT";
    for header in ["If-Modified-Since", "If-Unmodified-Since", "If-Range"] {
        for (method, path, status) in
            [(Method::GET, "/items/1", 200), (Method::PUT, "/items/1", 200), (Method::POST, "/items", 201)]
        {
            let request = app.request(method.clone(), path).json(&json!({ "name": "nut" })).header(header, past);
            let response = app.send(request).await;
            assert_eq!(response.status, status, "{method} {path} with {header}");
            assert_eq!(response.find("last-modified"), None);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_have_a_tag_and_answer_304_to_it() {
    let app = App::start().await;
    let mut tags = Vec::new();
    for path in ["/", "/openapi.json"] {
        let first = app.get(path).await;
        let tag = first.header("etag").to_owned();
        for (condition, status) in [(tag.clone(), 304), (format!("\"x\", W/{tag}"), 304), ("\"x\"".to_owned(), 200)] {
            for method in [Method::GET, Method::HEAD] {
                let request = app.request(method.clone(), path).header("If-None-Match", &condition);
                let response = app.send(request).await;
                assert_eq!(response.status, status, "{method} {path} with {condition}");
                // RFC 9110, 15.4.5, and a cache takes the headers of a 304 over (RFC 9111, 3.2).
                for header in ["etag", "cache-control", "content-security-policy"] {
                    assert_eq!(response.header(header), first.header(header), "{method} {path} with {condition}");
                }
                assert!(status == 200 || response.text.is_empty(), "{response:?}");
            }
        }
        tags.push(tag);
    }
    assert_ne!(tags[0], tags[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_condition_answers_400() {
    let app = with_an_item().await;
    let name = json!({ "name": "nut" });
    for condition in MALFORMED {
        for (request, header) in [
            (app.request(Method::PUT, "/items/1").json(&name), "If-Match"),
            (app.request(Method::DELETE, "/items/1"), "If-Match"),
            (app.request(Method::GET, "/items/1"), "If-None-Match"),
            (app.request(Method::GET, "/"), "If-None-Match"),
        ] {
            refused(&app, condition, request.header(header, condition), 400, header).await;
        }
    }
}
