//! What an instance may use, and that one which misbehaves harms only itself.

use super::probes::start;

#[tokio::test]
async fn an_instance_has_no_environment_no_file_and_no_name_lookup() {
    let application = start(&[]).await;
    assert_eq!(application.get("/env").await.body, "");
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
    application.reported("probe", "wasm `unreachable` instruction executed").await;
    assert_eq!(application.get("/hello").await.status, 200);
}

#[tokio::test]
async fn an_instance_over_its_memory_limit_is_stopped() {
    let application = start(&[]).await;
    assert_eq!(application.get("/allocate?mib=100").await.body, "allocated 100 MiB");
    assert_eq!(application.get("/allocate?mib=128").await.status, 500);
    application.reported("probe", "the memory limit of 128 MiB is exceeded").await;
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
        application.reported("probe", reason).await;
    }
}

#[tokio::test]
async fn each_request_gets_a_new_instance() {
    let application = start(&[]).await;
    for _ in 0..40 {
        assert_eq!(application.get("/allocate?mib=100").await.status, 200);
    }
}
