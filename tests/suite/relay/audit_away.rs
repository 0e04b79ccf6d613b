//! Audit is away, in every way: operations go on at their rate, and when it is back every event arrives once.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use support::{App, Builder, SOON, eventually};

use super::create;

/// More than the connections of a host to one database: connections that each failure kept would run out.
const FAILURES: usize = 80;
const OPERATIONS: usize = 100;
/// Far fewer than [`FAILURES`], and more than operations one after another take.
const MOST_SESSIONS: i64 = 32;

/// Creates [`OPERATIONS`] items, eight at a time, adds their request ids and returns the median latency.
async fn operate(app: &App, prefix: &str, requests: &mut Vec<String>) -> Duration {
    let create = |number: usize| async move {
        let (start, request_id) = (Instant::now(), format!("{prefix}-{number}"));
        create(app, &request_id).await;
        (start.elapsed(), request_id)
    };
    let mut latencies = Vec::new();
    let mut operations = stream::iter(0..OPERATIONS).map(create).buffer_unordered(8);
    while let Some((latency, request_id)) = operations.next().await {
        latencies.push(latency);
        requests.push(request_id);
    }
    latencies.sort();
    latencies[OPERATIONS / 2]
}

/// Frees the lease and creates an item, so that its instance tries to relay.
async fn provoke(app: &App, request_id: String, requests: &mut Vec<String>) {
    app.database().end_lease().await;
    create(app, &request_id).await;
    requests.push(request_id);
}

/// Runs the service with audit away, then with audit back.
async fn survives(away: impl FnOnce(Builder) -> Builder) {
    let mut requests = Vec::new();
    let mut healthy = App::start().await;
    let usual = operate(&healthy, "before", &mut requests).await;
    healthy.audited(requests.len() as i64, SOON).await;
    healthy.stop_host().await;

    let broken = away(App::builder().beside(&healthy)).start().await;
    provoke(&broken, "failure".into(), &mut requests).await;
    let lease = eventually("the failure is noted", SOON, async || match broken.database().lease().await {
        lease if lease.failures == 1 => Ok(lease),
        lease => Err(format!("{lease:?}")),
    })
    .await;
    assert!(lease.holder.is_none() && lease.left <= Duration::from_secs(1), "{lease:?}");
    assert!(lease.last_error.is_some_and(|error| !error.is_empty()), "the lease has no reason");
    for number in 0..FAILURES {
        provoke(&broken, format!("failing-{number}"), &mut requests).await;
    }
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'items' AND datname = current_database()";
    let sessions: i64 = broken.database().value(sessions).await;
    assert!(sessions < MOST_SESSIONS, "{sessions} connections in use: relays that wait for audit keep theirs");
    let meanwhile = operate(&broken, "meanwhile", &mut requests).await;
    assert!(
        meanwhile < usual * 4 + Duration::from_millis(20),
        "an operation takes {meanwhile:?} while audit is away, {usual:?} otherwise"
    );
    assert_eq!(broken.get("/readyz").await.status, 200);
    assert_eq!(broken.database().count("audit_logs").await, OPERATIONS as i64, "nothing was stored meanwhile");
    assert_eq!(broken.database().count("audit_refused").await, 0);
    drop(broken);

    healthy.restart_host().await;
    healthy.database().end_lease().await;
    healthy.audited(requests.len() as i64, SOON).await;
    healthy.database().check_trail(requests).await;
    let lease = healthy.database().lease().await;
    assert_eq!((lease.failures, lease.last_error), (0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_and_events_survive_audit_that_cannot_be_reached() {
    survives(Builder::without_audit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_and_events_survive_audit_that_answers_500() {
    survives(|builder| builder.probe_as_audit("fail")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_and_events_survive_audit_that_traps() {
    survives(|builder| builder.probe_as_audit("trap")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_and_events_survive_audit_that_never_answers() {
    survives(|builder| builder.probe_as_audit("hang")).await;
}
