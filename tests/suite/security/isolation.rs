//! What one instance does, or tries to do, harms no other: limits on memory and time.

use std::time::{Duration, Instant};

use futures::future::join_all;
use support::{App, SOON};

/// CPU time of an instance: far less than a test waits, and more than any operation needs.
const EXECUTION: Duration = Duration::from_millis(400);

/// The application with a probe, both with little CPU time.
async fn app() -> App {
    App::builder().with_probe(&[]).limits(|limits| limits.execution = EXECUTION).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_misbehaves_is_answered_500_and_harms_no_other() {
    let app = app().await;
    for (operations, what, reason) in [
        (80, "trap", "on purpose"),
        (160, "allocate?mib=128", "the memory limit of 128 MiB is exceeded"),
        (240, "spin-cpu", "the execution limit of 400ms is used up"),
        (320, "silent", "without a response"),
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
        let lines = app.logs();
        assert!(lines.iter().any(|line| line.contains(reason)), "no line about {reason:?} in {lines:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_the_database_does_not_count_as_cpu_time() {
    let app = app().await;
    let mut lock = app.db().begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE items IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.expect("lock the table");
    let release = async {
        let waits_long = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'items' AND datname = current_database()
                AND wait_event_type = 'Lock' AND clock_timestamp() - query_start > interval '{} s'",
            EXECUTION.as_secs_f64() * 2.0
        );
        app.database().becomes(&waits_long, 1_i64).await;
        lock.rollback().await.expect("unlock the table");
    };
    let (item, ()) = futures::join!(app.create("patient"), release);
    assert_eq!(item.name, "patient");
}
