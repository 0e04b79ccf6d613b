//! Heads of the trail: signed when it has grown, remembered over a restart, and refused if it does not continue them.

use crate::support::trail::Trail;
use crate::support::{Scrape, get, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_head_is_signed_each_time_the_trail_has_grown_and_handed_out_with_its_key() {
    let mut trail = Trail::signed().await;
    let first = trail.keep().await;
    assert_eq!((&*first.origin, first.size), ("test/audit", 3));
    trail.store(&[1]).await;
    let second = trail.keep().await;
    assert_eq!(second.size, 4);
    assert_ne!(second.root, first.root);
    let sidecar = trail.sidecar.as_ref().unwrap();
    let key = get(sidecar.metrics_address(), "/checkpoint/key").await.text().await.unwrap();
    assert_eq!(key, trail.key());
    assert!(trail.verify_with(&key, &trail.kept).await.wrong.is_none());
    let scrape = Scrape::of(sidecar).await;
    assert_eq!(scrape.value("audit_trail_batches"), Some(4.0));
    assert_eq!(scrape.value("audit_trail_forked"), Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_head_survives_a_restart_and_a_damaged_one_is_refused() {
    let mut trail = Trail::signed().await;
    trail.stop().await;
    trail.store(&[1]).await;
    trail.start().await;
    trail.keep().await;
    assert!(trail.verify().await.wrong.is_none());
    trail.stop().await;
    std::fs::write(trail.file("head"), "nothing").unwrap();
    let error = sidecar::Sidecar::start(trail.config()).await.err().expect("an error").to_string();
    assert!(error.contains("it holds no checkpoint; fix: "), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_there_are_neither_heads_nor_their_metrics() {
    let trail = Trail::new().await;
    let sidecar = start(trail.database.config()).await;
    for path in ["/checkpoint", "/checkpoint/key"] {
        assert_eq!(get(sidecar.metrics_address(), path).await.status(), 404);
    }
    assert!(Scrape::of(&sidecar).await.series(&["audit_trail"]).is_empty());
}
