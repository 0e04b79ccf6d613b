//! The CPU time of an instance is limited.

use std::time::Duration;

use support::{App, SOON};

/// Far less than a test waits, and more than any operation needs.
const EXECUTION: Duration = Duration::from_millis(400);

/// The application with a probe, both with little CPU time.
async fn app() -> App {
    App::builder().with_probe(&[]).limits(|limits| limits.execution = EXECUTION).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_computes_too_long_is_answered_500_and_harms_no_other() {
    let app = app().await;
    let misbehave = futures::future::join_all((0..8).map(|_| app.probe("spin-cpu")));
    let operate = async {
        for number in 0..40 {
            app.create(&format!("item {number}")).await;
        }
    };
    let (misbehaved, ()) = futures::join!(misbehave, operate);
    for (status, body) in misbehaved {
        assert_eq!((status, body.expect("a whole body").as_str()), (500, ""));
    }
    app.audited(40, SOON).await;
    app.reported("the execution limit of 400ms is used up").await;
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
