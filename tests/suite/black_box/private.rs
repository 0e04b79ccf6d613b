//! audit is not reachable. In every form of request: `audit/private.rs`.

use support::{Method, Service, event};

#[tokio::test(flavor = "multi_thread")]
async fn no_request_reaches_audit() {
    let service = Service::start().await;
    for path in ["/events", "/events/", "/items/events", "/audit/events"] {
        for host in [None, Some("audit.spin.internal"), Some("audit"), Some("audit.items.svc.cluster.local")] {
            let post = service.request(Method::POST, path).json(&[event(1)]);
            let post = host.into_iter().fold(post, |post, host| post.header("host", host));
            // A host may close the connection instead.
            if let Ok(response) = post.send().await {
                assert!(response.status().is_client_error(), "{path} with Host {host:?}: {response:?}");
            }
        }
    }
    service.complete().await;
}
