//! Audit is away, in every way there is: operations go on at their rate, and afterwards every event arrives once.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use http::Method;
use serde_json::json;
use support::{App, Builder, SOON, closed_port, eventually};

/// More than the connections a host has to one database, so that one that each failure kept would be missed.
const FAILURES: usize = 80;
const OPERATIONS: usize = 100;
/// Far fewer than [`FAILURES`], and more than operations one after the other take.
const MOST_SESSIONS: i64 = 32;

/// Creates [`OPERATIONS`] items, eight at a time; adds their request ids and gives the median latency.
async fn operate(app: &App, prefix: &str, requests: &mut Vec<String>) -> Duration {
    let create = |number: usize| async move {
        let request_id = format!("{prefix}-{number}");
        let request =
            app.request(Method::POST, "/items").header("x-request-id", &request_id).json(&json!({ "name": "bolt" }));
        let start = Instant::now();
        let answer = app.send(request).await;
        assert_eq!(answer.status, 201, "{answer:?}");
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

/// One operation that finds the lease free, so that its instance tries to relay.
async fn provoke(app: &App, request_id: String, requests: &mut Vec<String>) {
    app.database().end_lease().await;
    let request =
        app.request(Method::POST, "/items").header("x-request-id", &request_id).json(&json!({ "name": "bolt" }));
    assert_eq!(app.send(request).await.status, 201);
    requests.push(request_id);
}

/// The connections that items has to the database.
async fn sessions(app: &App) -> i64 {
    let query = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'items' AND datname = current_database()";
    sqlx::query_scalar(query).fetch_one(app.db()).await.expect("count the connections")
}

/// Runs the service with audit away, then with audit back.
async fn rides_out(away: impl FnOnce(Builder) -> Builder) {
    let mut requests = Vec::new();
    let mut healthy = App::start().await;
    let usual = operate(&healthy, "before", &mut requests).await;
    healthy.audited(requests.len() as i64, SOON).await;
    healthy.stop_host().await;

    let broken = away(App::builder().beside(&healthy)).start().await;
    backs_off(&broken, &mut requests).await;
    for number in 0..FAILURES {
        provoke(&broken, format!("failing-{number}"), &mut requests).await;
    }
    let sessions = sessions(&broken).await;
    assert!(sessions < MOST_SESSIONS, "{sessions} connections in use: relays that wait for audit hold theirs");
    let meanwhile = operate(&broken, "meanwhile", &mut requests).await;
    assert!(
        meanwhile < usual * 4 + Duration::from_millis(20),
        "an operation takes {meanwhile:?} while audit is away, {usual:?} otherwise"
    );
    assert_eq!(broken.get("/readyz").await.status, 200, "trouble with audit does not make items unready");
    assert_eq!(broken.database().count("audit_logs").await, OPERATIONS as i64, "nothing was stored meanwhile");
    assert_eq!(broken.database().count("audit_refused").await, 0, "no event is to blame");
    drop(broken);

    healthy.restart_host().await;
    healthy.database().end_lease().await;
    healthy.audited(requests.len() as i64, SOON).await;
    healthy.database().check_trail(requests).await;
    let lease = healthy.database().lease().await;
    assert_eq!((lease.failures, lease.last_error), (0, None), "the trouble is over");
}

/// Every failure doubles the time in which nobody relays.
async fn backs_off(broken: &App, requests: &mut Vec<String>) {
    for failures in 1..=4 {
        provoke(broken, format!("failure-{failures}"), requests).await;
        let lease =
            eventually(&format!("failure {failures} noted"), SOON, async || match broken.database().lease().await {
                lease if lease.failures == failures => Ok(lease),
                lease => Err(format!("{lease:?}")),
            })
            .await;
        let most = Duration::from_secs(1 << (failures - 1));
        assert!(
            most / 2 < lease.left && lease.left <= most,
            "after failure {failures} nobody relays for {most:?}: {lease:?}"
        );
        assert!(
            lease.holder.is_none() && lease.last_error.is_some_and(|error| !error.is_empty()),
            "the lease says why"
        );
    }
    // However often it fails, half a minute is the most.
    broken.database().run("UPDATE relay_lease SET failures = 1000").await;
    provoke(broken, "failure-1000".into(), requests).await;
    let lease = eventually("the longest back-off", SOON, async || match broken.database().lease().await {
        lease if lease.holder.is_none() && !lease.left.is_zero() => Ok(lease),
        lease => Err(format!("{lease:?}")),
    })
    .await;
    assert!((20..=30).contains(&lease.left.as_secs()), "{lease:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_that_cannot_be_reached_is_ridden_out() {
    let url = format!("http://127.0.0.1:{}", closed_port().await);
    rides_out(|builder| builder.variable("audit_url", &url)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_that_answers_500_is_ridden_out() {
    rides_out(|builder| builder.probe_as_audit("fail")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_that_traps_is_ridden_out() {
    rides_out(|builder| builder.probe_as_audit("trap")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_that_never_answers_is_ridden_out() {
    rides_out(|builder| builder.probe_as_audit("hang")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_audit_has_stored_is_not_refused_afterwards() {
    let app = App::builder().probe_as_audit("refuse").start().await;
    app.database().enqueue("event", 10, "NULL").await;
    // As if the host had been killed between audit's commit and the removal from the outbox, and another audit came after it.
    app.database()
        .run("SELECT audit_store((SELECT json_agg(audit_event(o)) FROM audit_outbox o WHERE seq % 2 = 0)::text)")
        .await;
    app.audited(5, SOON).await;
    let twice = "SELECT count(*) FROM audit_refused WHERE event_id IN (SELECT event_id FROM audit_logs)";
    let twice: i64 = sqlx::query_scalar(twice).fetch_one(app.db()).await.expect("compare refused events");
    assert_eq!((twice, app.database().count("audit_refused").await), (0, 5));
}
