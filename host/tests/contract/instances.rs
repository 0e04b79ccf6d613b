//! What an instance may use, and that one which misbehaves harms only itself.

use crate::support::{PATIENCE, start, start_with};
use host::Source;
use std::time::Duration;

#[tokio::test]
async fn an_instance_has_no_environment_no_file_no_socket_and_no_name_lookup() {
    let application = start(&["*://*:*"]).await;
    assert_eq!(application.get("/env").await.body, "");
    let port = application.address().port();
    assert_eq!(application.get(&format!("/socket?port={port}")).await.body, "error: access-denied");
    let line = application.line("a socket is denied").await;
    assert_eq!(&*line.component, "probe");
    for path in ["/files?path=/etc/passwd", "/files?path=spin.toml", "/files?path=.", "/lookup?name=localhost"] {
        let body = application.get(path).await.body;
        assert!(body.starts_with("error: "), "{path}: {body}");
    }
}

#[tokio::test]
async fn a_component_reads_only_its_own_variables() {
    let application = start(&[]).await;
    for (name, value) in [
        ("word", "<default>"),
        ("other", "error: Error::Undefined(\"no variable for \\\"probe\\\".\\\"other\\\"\")"),
        ("Not-A-Name", "error: Error::InvalidName("),
    ] {
        let body = application.get(&format!("/variable?name={name}")).await.body;
        assert!(body.starts_with(value), "{name}: {body}");
    }
}

#[tokio::test]
async fn a_trap_is_answered_500_and_logged_with_its_component_and_cause() {
    let application = start(&[]).await;
    let response = application.get("/trap").await;
    assert_eq!((response.status, response.body.as_str(), response.complete), (500, "", true));
    let line = application.line("wasm `unreachable` instruction executed").await;
    assert_eq!((&*line.component, line.source), ("probe", Source::Host));
    assert_eq!(application.get("/hello").await.status, 200);
}

#[tokio::test]
async fn an_instance_over_its_memory_limit_is_stopped() {
    let application = start(&[]).await;
    assert_eq!(application.get("/allocate?mib=100").await.body, "allocated 100 MiB");
    assert_eq!(application.get("/allocate?mib=128").await.status, 500);
    application.line("the memory limit of 128 MiB is exceeded").await;
}

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
async fn a_component_that_sets_no_response_is_answered_500() {
    let application = start(&[]).await;
    for (path, reason) in [
        ("/silent", "the component returned without a response"),
        ("/error", "the probe gives up"),
        ("/exit", "Exited with i32 exit status 1"),
    ] {
        let response = application.get(path).await;
        assert_eq!((response.status, response.body.as_str()), (500, ""), "{path}");
        application.line(reason).await;
    }
}

#[tokio::test]
async fn each_request_gets_a_new_instance() {
    let application = start(&[]).await;
    for _ in 0..40 {
        assert_eq!(application.get("/allocate?mib=100").await.status, 200);
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
