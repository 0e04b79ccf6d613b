//! Guests that misbehave harm themselves only.

use crate::support::{PATIENCE, start, start_with};
use host::Source;
use std::time::Duration;

#[tokio::test]
async fn a_trap_is_answered_500_and_logged_with_its_component_and_cause() {
    let application = start(&[]).await;
    let answer = application.get("/trap").await;
    assert_eq!((answer.status, answer.body.as_str(), answer.whole), (500, "", true));
    let line = application.line("wasm `unreachable` instruction executed").await;
    assert_eq!((&*line.component, line.source), ("probe", Source::Host));
    assert_eq!(application.get("/hello").await.status, 200);
}

#[tokio::test]
async fn a_guest_over_its_memory_limit_is_stopped() {
    let application = start(&[]).await;
    assert_eq!(application.get("/allocate?mib=100").await.body, "allocated 100 MiB");
    assert_eq!(application.get("/allocate?mib=128").await.status, 500);
    application.line("the memory limit of 128 MiB is exceeded").await;
}

#[tokio::test]
async fn a_guest_over_its_execution_limit_is_stopped() {
    let application = start_with(&[], |limits| limits.execution = Duration::from_millis(300)).await;
    assert_eq!(application.get("/spin-cpu").await.status, 500);
    application.line("the execution limit of 300ms is used up").await;
}

#[tokio::test]
async fn waiting_does_not_count_towards_the_execution_limit() {
    let application = start_with(&[], |limits| limits.execution = Duration::from_millis(300)).await;
    assert_eq!(application.get("/wait?ms=900").await.body, "waited");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guests_that_compute_leave_time_for_others() {
    let application = start_with(&[], |limits| limits.execution = PATIENCE).await;
    let request = "GET /spin-cpu HTTP/1.1\r\nHost: h\r\n\r\n";
    let mut busy = Vec::new();
    for _ in 0..4 {
        busy.push(application.open(request).await);
    }
    for _ in 0..10 {
        let answer = tokio::time::timeout(PATIENCE / 4, application.get("/hello")).await;
        assert_eq!(answer.expect("an answer must come between the others' turns").status, 200);
    }
}

#[tokio::test]
async fn a_guest_that_does_not_answer_is_answered_for() {
    let application = start(&[]).await;
    for (path, reason) in [
        ("/silent", "the guest returned without a response"),
        ("/error", "the guest gives up"),
        ("/exit", "Exited with i32 exit status 1"),
    ] {
        let answer = application.get(path).await;
        assert_eq!((answer.status, answer.body.as_str()), (500, ""), "{path}");
        application.line(reason).await;
    }
}

#[tokio::test]
async fn nothing_survives_from_one_request_to_the_next() {
    let application = start(&[]).await;
    for _ in 0..40 {
        assert_eq!(application.get("/allocate?mib=100").await.status, 200);
    }
}

#[tokio::test]
async fn lines_of_a_guest_arrive_whole_and_long_ones_are_cut() {
    let application = start(&[]).await;
    application.get("/say?out=one&out=two&err=three&long=70000").await;
    let line = application.line("[line cut]").await;
    assert!(line.text.len() < 70_000);
    for (text, source) in [("one", Source::GuestStdout), ("two", Source::GuestStdout), ("three", Source::GuestStderr)] {
        let line = application.line(text).await;
        assert_eq!((line.text.as_str(), line.source, &*line.component), (text, source, "probe"));
    }
}
