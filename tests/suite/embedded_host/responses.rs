//! Responses that look complete under Spin.

use crate::host_contract::probes::start;

#[tokio::test]
async fn a_body_that_its_instance_leaves_unfinished_never_looks_complete() {
    let application = start(&[]).await;
    for path in ["/left-body", "/trap?after=head"] {
        let response = application.get(path).await;
        assert!(!response.complete, "{path}: {response:?}");
    }
}
