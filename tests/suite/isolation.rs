//! What one guest does, or tries to do, is no other's concern.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use host::Limits;
use support::{App, SOON, eventually};

mod grants;
mod overload;
mod shutdown;

/// Far less than a test waits, and more than any operation needs.
const EXECUTION: Duration = Duration::from_millis(400);

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

/// The service with a probe beside it that may use little CPU time.
async fn app() -> App {
    App::builder().with_probe(&[]).limits(limits(|limits| limits.execution = EXECUTION)).start().await
}

/// Has the probe do `what` many times over while items are created, and expects 500 for the one and 201 for the other.
async fn harms_nobody(what: &str, reason: &str) {
    let app = Arc::new(app().await);
    let misbehave = join_all((0..8).map(|_| app.probe(what)));
    let operate = join_all((0..8).map(|worker| {
        let app = app.clone();
        async move {
            for number in 0..10 {
                let start = Instant::now();
                app.create(&format!("item {worker}-{number}")).await;
                assert!(start.elapsed() < SOON, "an operation beside it took {:?}", start.elapsed());
            }
        }
    }));
    let (misbehaved, _) = futures::join!(misbehave, operate);
    for (status, body) in misbehaved {
        assert_eq!(
            (status, body.expect("a whole body").as_str()),
            (500, ""),
            "{what} is stopped and says nothing about itself"
        );
    }
    app.audited(80, SOON).await;
    let lines = app.logs();
    assert!(lines.iter().any(|line| line.contains(reason)), "no line about {reason:?} in {lines:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_traps_is_answered_for_with_500_and_harms_no_other() {
    harms_nobody("trap", "on purpose").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_takes_more_memory_than_its_limit_is_stopped_and_harms_no_other() {
    harms_nobody("allocate?mib=128", "the memory limit of 128 MiB is exceeded").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_computes_beyond_its_limit_is_stopped_and_harms_no_other() {
    harms_nobody("spin-cpu", "the execution limit of 400ms is used up").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_leaves_without_an_answer_is_answered_for_with_500_and_harms_no_other() {
    harms_nobody("silent", "without a response").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_may_use_what_its_limits_allow() {
    let app = app().await;
    assert_eq!(app.probe_says("allocate?mib=100").await, "allocated 100 MiB");
    assert_eq!(app.probe_says("spin-cpu?ms=50").await, "computed");
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_does_not_count_as_execution() {
    let app = app().await;
    let start = Instant::now();
    assert_eq!(app.probe_says("wait?ms=1000").await, "waited");
    assert!(start.elapsed() >= Duration::from_secs(1), "it did wait");
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_the_database_does_not_count_as_execution() {
    let app = App::builder().limits(limits(|limits| limits.execution = EXECUTION)).start().await;
    let mut lock = app.db().begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE items IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.expect("lock the table");
    let release = async {
        let waiting = "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - query_start)), 0)::double precision
                         FROM pg_stat_activity WHERE usename = 'items' AND datname = current_database() AND wait_event_type = 'Lock'";
        eventually("a guest that waits for long", SOON, async || {
            let seconds: f64 = sqlx::query_scalar(waiting).fetch_one(app.db()).await.expect("look who waits");
            if Duration::from_secs_f64(seconds) > EXECUTION * 2 { Ok(()) } else { Err(format!("{seconds} s")) }
        })
        .await;
        lock.rollback().await.expect("unlock the table");
    };
    let (item, ()) = futures::join!(app.create("patient"), release);
    assert_eq!(item.name, "patient");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_traps_behind_its_head_leaves_an_answer_that_is_cut_off() {
    let app = app().await;
    // The host may cut the connection before it has sent the head, or behind a part of the body.
    let answer = app.http().get(app.url("/probe/trap?after=head")).send().await;
    let whole = match answer {
        Ok(answer) => answer.text().await.ok(),
        Err(_) => None,
    };
    assert_eq!(whole, None, "half an answer looks whole");
}
