//! `GET /livez`: liveness depends on nothing outside the component.

use support::App;

#[tokio::test(flavor = "multi_thread")]
async fn liveness_is_200_with_and_without_a_database() {
    for app in [App::start().await, App::builder().without_database().start().await] {
        let response = app.get("/livez").await;
        assert_eq!(response.status, 200, "{response:?}");
        assert!(response.header("content-type").starts_with("text/plain"), "{response:?}");
        assert_eq!(response.header("cache-control"), "no-store", "{response:?}");
        assert!(response.text.ends_with('\n'), "{response:?}");
        assert_eq!(app.database().stored_and_waiting().await, (0, 0), "it is not an operation");
    }
}
