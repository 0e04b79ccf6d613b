//! The HTTP API of items beyond `black_box`: what shows only in the database, in a host of its own, or in bytes.

mod bodies;
mod conditions;
mod explorer;
mod full_list;
mod headers;
mod idempotency;
mod list_items;
mod livez;
mod missing_item;
mod openapi;
mod paths;
mod protocol;
mod readyz;
mod unavailable;

use reqwest::RequestBuilder;
use support::{App, Response};

/// An application with item 1, which no operation created.
async fn with_an_item() -> App {
    let app = App::start().await;
    app.database().insert_items(1, "''").await;
    app
}

/// Sends a request and checks that it is refused: its problem document names what is wrong, nothing is stored or
/// audited.
async fn refused(app: &App, what: &str, request: RequestBuilder, status: u16, named: &str) {
    let response = app.send(request).await;
    assert_eq!(response.status, status, "{what}: {response:?}");
    assert!(names(&response, named), "{what}: {named} is not named in {response:?}");
    nothing_happened(app, what).await;
}

/// Whether a problem document names something: as the field of an error, or, without errors, as a word of the detail.
pub fn names(response: &Response, named: &str) -> bool {
    let problem = response.problem();
    if let Some(errors) = problem["errors"].as_array() {
        return errors.iter().any(|error| error["field"] == named && error["detail"] != "");
    }
    let separator = |letter: char| !letter.is_ascii_alphanumeric() && letter != '-';
    problem["detail"].as_str().is_some_and(|detail| detail.split(separator).any(|word| word == named))
}

/// Checks that the database holds what [`with_an_item`] put into it, and nothing else.
async fn nothing_happened(app: &App, what: &str) {
    let query = "SELECT (SELECT count(*) FROM items WHERE version = 1 AND name = 'item 1'), (SELECT count(*) FROM items),
                        (SELECT count(*) FROM idempotency), (SELECT count(*) FROM audit_outbox), (SELECT count(*) FROM audit_logs)";
    let counts: (i64, i64, i64, i64, i64) = sqlx::query_as(query).fetch_one(app.db()).await.expect("count");
    assert_eq!(counts, (1, 1, 0, 0, 0), "{what}: unchanged items, items, keys, outbox, trail");
}
