//! More requests than the host can run and queue: the rest is answered 503 at once.

use std::time::{Duration, Instant};

use futures::future::join_all;
use host::Limits;
use reqwest::Response;
use support::{App, Method, SOON, json};

const INSTANCES: usize = 4;
const QUEUE: usize = 4;
const REQUESTS: usize = 40;

/// Checks for a 503 with `Retry-After`.
fn check_refusal(response: &Response) {
    assert_eq!(response.status(), 503);
    let after = response.headers().get("retry-after").and_then(|after| after.to_str().ok()?.parse().ok());
    assert!(after.is_some_and(|seconds: u32| (1..=60).contains(&seconds)), "Retry-After in {response:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_beyond_the_queue_are_refused_at_once_and_the_others_are_served() {
    let few = |limits: &mut Limits| (limits.instances, limits.queue, limits.queue_wait) = (INSTANCES, QUEUE, SOON);
    let app = App::builder().with_probe(&[]).limits(few).start().await;
    let wait = Duration::from_millis(500);
    let url = app.url(&format!("/probe/wait?ms={}", wait.as_millis()));
    let responses = join_all((0..REQUESTS).map(async |_| {
        let start = Instant::now();
        (app.http().get(&url).send().await.expect("a response"), start.elapsed())
    }))
    .await;
    let (served, refused): (Vec<_>, Vec<_>) = responses.into_iter().partition(|(response, _)| response.status() == 200);
    assert!(served.len() >= INSTANCES + QUEUE, "only {} of {REQUESTS} served", served.len());
    assert!(!refused.is_empty(), "all of {REQUESTS} served");
    for (response, took) in &refused {
        check_refusal(response);
        assert!(*took < wait, "a refusal took {took:?}");
    }
    let start = Instant::now();
    app.create("after").await;
    assert!(start.elapsed() < wait, "an operation after the overload takes {:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_under_overload_is_either_done_and_audited_or_refused_and_not_done() {
    let app = App::builder().limits(|limits| (limits.instances, limits.queue) = (2, 2)).start().await;
    let create =
        |number: usize| app.request(Method::POST, "/items").json(&json!({ "name": format!("item {number}") })).send();
    let mut created = 0;
    for response in join_all((0..120).map(create)).await {
        let response = response.expect("a response");
        match response.status().as_u16() {
            201 => created += 1,
            _ => check_refusal(&response),
        }
    }
    assert!(created >= 4, "only {created} operations were done");
    assert_eq!(app.database().count("items").await, created);
    app.audited(created, SOON).await;
    app.create("after").await;
}
