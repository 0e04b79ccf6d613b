//! Bad input: each answers its status and a problem document that names what is wrong; nothing is stored, nothing audited.

mod body;
mod head;
mod protocol;

use reqwest::RequestBuilder;
use support::{Answer, App};

/// An application with item 1, put there without an operation.
async fn with_an_item() -> App {
    let app = App::start().await;
    app.database()
        .run("INSERT INTO items (name, description, created_at, updated_at) VALUES ('bolt', '', now(), now())")
        .await;
    app
}

/// Sends a request that is refused and looks whether it left anything.
async fn refused(app: &App, what: &str, request: RequestBuilder, status: u16, names: &str) {
    let answer = app.send(request).await;
    assert_eq!(answer.status, status, "{what}: {answer:?}");
    assert!(named(&answer, names), "{what}: {names} is not named in {answer:?}");
    nothing_happened(app, what).await;
}

/// Whether the problem document names it: the field of an error, or else a word of the detail.
fn named(answer: &Answer, names: &str) -> bool {
    let problem = answer.problem();
    if let Some(errors) = problem["errors"].as_array() {
        return errors.iter().any(|error| error["field"] == names && error["detail"] != "");
    }
    let words = |letter: char| !letter.is_ascii_alphanumeric() && letter != '-';
    problem["detail"].as_str().is_some_and(|detail| detail.split(words).any(|word| word == names))
}

async fn nothing_happened(app: &App, what: &str) {
    let query = "SELECT (SELECT count(*) FROM items WHERE version = 1 AND name = 'bolt'), (SELECT count(*) FROM items),
                        (SELECT count(*) FROM idempotency), (SELECT count(*) FROM audit_outbox), (SELECT count(*) FROM audit_logs)";
    let counts: (i64, i64, i64, i64, i64) = sqlx::query_as(query).fetch_one(app.db()).await.expect("count");
    assert_eq!(counts, (1, 1, 0, 0, 0), "{what}: untouched items, items, keys, outbox, trail");
}
