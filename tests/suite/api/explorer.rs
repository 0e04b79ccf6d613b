//! `GET /`, the explorer, as a document. What a person can do with it: `tests/browser`.

use support::App;

#[tokio::test(flavor = "multi_thread")]
async fn the_explorer_is_complete_in_itself_and_may_load_nothing_from_elsewhere() {
    let app = App::start().await;
    let explorer = app.get("/").await;
    assert_eq!(explorer.status, 200);
    assert!(explorer.header("content-type").starts_with("text/html"), "{explorer:?}");
    let policy = explorer.header("content-security-policy");
    assert!(policy.contains("default-src 'none'"), "{policy}");
    for source in ["unsafe-inline", "unsafe-eval", "http"] {
        assert!(!policy.contains(source), "{policy}");
    }
    for reference in ["src=\"http", "href=\"http", "url(http", "@import", "src=\"//", "href=\"//"] {
        assert!(!explorer.text.contains(reference), "the explorer refers to {reference}");
    }
}
