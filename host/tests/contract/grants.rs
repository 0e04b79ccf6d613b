//! A guest has what its manifest grants and nothing else.

use crate::support::start;

#[tokio::test]
async fn the_environment_holds_only_what_the_manifest_says() {
    let application = start(&[]).await;
    assert_eq!(application.get("/env").await.body, "GREETING=hello");
}

#[tokio::test]
async fn no_file_can_be_read() {
    let application = start(&[]).await;
    for path in ["/etc/passwd", "spin.toml", "."] {
        let body = application.get(&format!("/files?path={path}")).await.body;
        assert!(body.starts_with("error: "), "{path}: {body}");
    }
}

#[tokio::test]
async fn no_socket_can_be_opened_and_no_name_looked_up() {
    let application = start(&["*://*:*"]).await;
    let port = application.address().port();
    assert_eq!(application.get(&format!("/socket?port={port}")).await.body, "error: access-denied");
    let body = application.get("/lookup?name=localhost").await.body;
    assert!(body.starts_with("error: "), "{body}");
}

#[tokio::test]
async fn only_the_components_own_variables_are_there() {
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
