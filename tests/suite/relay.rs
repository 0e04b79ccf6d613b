//! The relay: every event of the outbox is stored by audit exactly once, whatever happens on the way.

mod audit_away;
mod batches;
mod delivery;

use futures::{StreamExt, stream};
use support::{App, Method, json};

/// Requests that are sent at a time.
const CONCURRENT: usize = 24;

/// Creates `count` items, spread over `apps`, and returns the request ids.
async fn create_many(apps: &[&App], prefix: &str, count: usize) -> Vec<String> {
    let create = |number: usize| async move {
        let request_id = format!("{prefix}-{number}");
        create(apps[number % apps.len()], &request_id).await;
        request_id
    };
    stream::iter(0..count).map(create).buffer_unordered(CONCURRENT).collect().await
}

/// Creates one item, with a request id.
async fn create(app: &App, request_id: &str) {
    let request = app.request(Method::POST, "/items").header("x-request-id", request_id);
    let response = app.send(request.json(&json!({ "name": request_id }))).await;
    assert_eq!(response.status, 201, "{response:?}");
}
