//! What one instance does, or tries to do, harms no other: limits on memory.

use std::time::Instant;

use futures::future::join_all;
use support::{App, SOON};

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_misbehaves_is_answered_500_and_harms_no_other() {
    let app = App::builder().with_probe(&[]).start().await;
    for (operations, what, reason) in [
        (80, "trap", "on purpose"),
        (160, "allocate?mib=128", "the memory limit of 128 MiB is exceeded"),
        (240, "silent", "without a response"),
    ] {
        let misbehave = join_all((0..8).map(|_| app.probe(what)));
        let operate = join_all((0..8).map(async |worker| {
            for number in 0..10 {
                let start = Instant::now();
                app.create(&format!("item {worker}-{number}")).await;
                assert!(start.elapsed() < SOON, "{what}: an operation meanwhile took {:?}", start.elapsed());
            }
        }));
        let (misbehaved, _) = futures::join!(misbehave, operate);
        for (status, body) in misbehaved {
            assert_eq!((status, body.expect("a whole body").as_str()), (500, ""), "{what}");
        }
        app.audited(operations, SOON).await;
        app.reported(reason).await;
    }
}
