//! More requests than can be served: the host sheds some with 503, serves the others in time, and recovers afterwards.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::client::Client;
use crate::history::{Operation, Seen};
use crate::load;
use crate::report;
use crate::settle::settle;
use crate::system::System;

/// Clients that wait for each response: fewer than the connections of a host to the database.
const USUAL: usize = 32;
/// Clients with a connection each: more than a host can run and queue (768). With the connections of the usual clients
/// they are fewer than a host accepts (1024); a further one would wait until an idle connection times out.
const CLIENTS: usize = 900;
const TIMES: f64 = 10.0;
/// The longest time for a response: as long as the host lets a request wait.
const LATENCY: Duration = Duration::from_secs(10);
/// The rate is back to normal this long after the overload.
const RECOVERY: Duration = Duration::from_secs(5);
/// The share of the usual rate that counts as normal: the machine has other work to do.
const SHARE: f64 = 0.5;
/// The share that is served during the overload: the clients run on the same machine.
const SHARE_MEANWHILE: f64 = 0.2;
const TICK: Duration = Duration::from_millis(5);

/// Sends ten times the usual rate for `length`, and panics with what was found.
pub async fn run(length: Duration) {
    raise_descriptor_limit();
    let system = System::start().await;
    let _probe = load::probe(&system.client);
    let usual = rate(&system.client, Duration::from_secs(2)).await;
    let begun = Instant::now();
    let attempts = overload(&system.client, usual * TIMES, length).await;
    let (ended, seconds) = (Instant::now(), begun.elapsed().as_secs_f64());
    let recovery = recovery(&system.client, usual).await;
    let served = attempts.iter().filter_map(|(seen, took)| matches!(seen, Seen::Response(_)).then_some(*took));
    let most = served.clone().max().unwrap_or_default();
    let (offered, served) = (attempts.len(), served.count());
    let shed = attempts.iter().filter(|(seen, _)| *seen == Seen::Unavailable).count();
    let lost = offered - served - shed;
    let rate_meanwhile = served as f64 / seconds;
    report(&format!(
        "overload: {usual:.0}/s usual; {offered} requests in {length:?}: {served} served ({rate_meanwhile:.0}/s, at most {most:?}), \
         {shed} shed, {lost} without a response; rate back after {recovery:?}"
    ));
    system.repair().await;
    let settled = settle(&system, ended).await;
    report(&format!("overload: {settled}"));
    let findings = system.end().await;
    assert!(findings.is_empty(), "{findings:#?}");
    assert!(shed > 0, "nothing was shed");
    assert_eq!(lost, 0, "requests without a response");
    assert!(most < LATENCY, "an operation took {most:?}");
    assert!(
        rate_meanwhile > usual * SHARE_MEANWHILE,
        "{rate_meanwhile:.0}/s served under overload, {usual:.0}/s otherwise"
    );
    assert!(recovery.is_some_and(|recovery| recovery < RECOVERY), "the rate is not back: {recovery:?}");
}

/// Operations per second of a few clients.
async fn rate(client: &Client, length: Duration) -> f64 {
    let begun = Instant::now();
    let clients = (0..USUAL).map(async |_| {
        let mut done = 0;
        while begun.elapsed() < length {
            done += u32::from(matches!(client.attempt(0, create()).await, Seen::Response(_)));
        }
        done
    });
    let done: u32 = join_all(clients).await.into_iter().sum();
    f64::from(done) / begun.elapsed().as_secs_f64()
}

/// Sends `rate` requests per second, fewer if all clients are waiting. Returns what was seen of each and how long it
/// took.
async fn overload(client: &Client, rate: f64, length: Duration) -> Vec<(Seen, Duration)> {
    let (begun, tickets) = (Instant::now(), Arc::new(Semaphore::new(0)));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (client, tickets) = (client.another(2 * LATENCY), tickets.clone());
        clients.spawn(async move {
            let mut attempts = Vec::new();
            while let Ok(ticket) = tickets.acquire().await {
                ticket.forget();
                let start = Instant::now();
                attempts.push((client.attempt(0, create()).await, start.elapsed()));
            }
            attempts
        });
    }
    let (mut ticks, mut issued) = (interval(TICK), 0);
    while begun.elapsed() < length {
        ticks.tick().await;
        let due = (begun.elapsed().as_secs_f64() * rate) as usize - issued;
        tickets.add_permits(due.min(CLIENTS - tickets.available_permits().min(CLIENTS)));
        issued += due;
    }
    tickets.close();
    clients.join_all().await.concat()
}

/// How long it takes until the rate is back to normal.
async fn recovery(client: &Client, usual: f64) -> Option<Duration> {
    let begun = Instant::now();
    while begun.elapsed() < RECOVERY {
        if rate(client, Duration::from_millis(500)).await > usual * SHARE {
            return Some(begun.elapsed());
        }
    }
    None
}

fn create() -> Operation {
    let name = format!("item {}", uuid::Uuid::new_v4().simple());
    Operation::Create { key: name.replace(' ', "-"), name }
}

/// Raises the limit of open files of this process, for its side of the connections.
fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("raise the limit of open files");
}
