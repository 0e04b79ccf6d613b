//! More requests than the host has places for.

use std::time::{Duration, Instant};

use futures::future::join_all;
use http::Method;
use reqwest::Response;
use serde_json::json;
use support::{App, SOON};

use super::limits;

const GUESTS: usize = 4;
const QUEUE: usize = 4;
const REQUESTS: usize = 40;

/// A refusal that tells the client when to come again.
fn check_refusal(answer: &Response) {
    assert_eq!(answer.status(), 503);
    let after = answer.headers().get("retry-after").unwrap_or_else(|| panic!("no Retry-After in {answer:?}"));
    let seconds: u32 = after
        .to_str()
        .ok()
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or_else(|| panic!("{after:?} is no number"));
    assert!((1..=60).contains(&seconds));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_finds_no_place_is_refused_at_once_and_the_rest_is_served() {
    let few = limits(|limits| (limits.instances, limits.queue, limits.queue_wait) = (GUESTS, QUEUE, SOON));
    let app = App::builder().with_probe(&[]).limits(few).start().await;
    let wait = Duration::from_millis(500);
    let request = async || {
        let start = Instant::now();
        let answer =
            app.http().get(app.url(&format!("/probe/wait?ms={}", wait.as_millis()))).send().await.expect("an answer");
        (answer, start.elapsed())
    };
    let answers = join_all((0..REQUESTS).map(|_| request())).await;
    let (served, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(answer, _)| answer.status() == 200);
    assert!(served.len() >= GUESTS + QUEUE, "only {} of {REQUESTS} served", served.len());
    assert!(!refused.is_empty(), "all of {REQUESTS} served");
    for (answer, took) in &refused {
        check_refusal(answer);
        assert!(*took < wait, "a refusal took {took:?}");
    }
    let start = Instant::now();
    app.create("after").await;
    assert!(start.elapsed() < wait, "places are free again, yet an operation takes {:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_does_not_wait_for_a_place_for_ever() {
    let few =
        limits(|limits| (limits.instances, limits.queue, limits.queue_wait) = (1, QUEUE, Duration::from_millis(100)));
    let app = App::builder().with_probe(&[]).limits(few).start().await;
    let (held, refused) = futures::join!(app.probe("wait?ms=1000"), async {
        // Whichever of the two comes first gets the only place; the other is refused before that is free again.
        app.http().get(app.url("/probe/wait?ms=1000")).send().await.expect("an answer")
    });
    let statuses = [held.0, refused.status().as_u16()];
    assert!(statuses.contains(&200) && statuses.contains(&503), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_under_overload_are_done_and_audited_or_refused_and_not_done() {
    let few = limits(|limits| (limits.instances, limits.queue) = (2, 2));
    let app = App::builder().limits(few).start().await;
    let create =
        |number: usize| app.request(Method::POST, "/items").json(&json!({ "name": format!("item {number}") })).send();
    let answers = join_all((0..120).map(create)).await;
    let mut created = 0;
    for answer in answers {
        let answer = answer.expect("an answer");
        match answer.status().as_u16() {
            201 => created += 1,
            _ => check_refusal(&answer),
        }
    }
    assert!(created >= 4, "only {created} operations were done");
    assert_eq!(app.database().count("items").await, created);
    app.audited(created, SOON).await;
    app.create("after").await;
}
