//! Limits of an instance that Spin does not have, and its lines.

use std::time::Duration;

use host::Source;

use crate::host_contract::probes::{PATIENCE, start, start_with};

#[tokio::test]
async fn an_instance_over_its_execution_limit_is_stopped_and_waiting_does_not_count() {
    let application = start_with(&[], |limits| limits.execution = Duration::from_millis(300)).await;
    assert_eq!(application.get("/spin-cpu?ms=50").await.body, "computed");
    assert_eq!(application.get("/spin-cpu").await.status, 500);
    application.line("the execution limit of 300ms is used up").await;
    assert_eq!(application.get("/wait?ms=900").await.body, "waited");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_compute_leave_time_for_others() {
    let application = start_with(&[], |limits| limits.execution = PATIENCE).await;
    let request = "GET /spin-cpu HTTP/1.1\r\nHost: h\r\n\r\n";
    let mut busy = Vec::new();
    for _ in 0..4 {
        busy.push(application.open(request).await);
    }
    for _ in 0..10 {
        let response = tokio::time::timeout(PATIENCE / 4, application.get("/hello")).await;
        assert_eq!(response.expect("a response must come between the others' turns").status, 200);
    }
}

#[tokio::test]
async fn lines_are_logged_whole_and_long_ones_are_cut() {
    let application = start(&[]).await;
    application.get("/say?out=one&out=two&err=three&long=70000").await;
    let line = application.line("[line cut]").await;
    assert!(line.text.len() < 70_000);
    for (text, source) in [("one", Source::Stdout), ("two", Source::Stdout), ("three", Source::Stderr)] {
        let line = application.line(text).await;
        assert_eq!((line.text.as_str(), line.source, &*line.component), (text, source, "probe"));
    }
}

#[tokio::test]
async fn an_instance_has_no_socket_whatever_its_allow_list() {
    let application = start(&["*://*:*"]).await;
    let port = application.address().port();
    assert_eq!(application.get(&format!("/socket?port={port}")).await.body, "error: access-denied");
    application.reported("probe", "a socket is denied").await;
}
