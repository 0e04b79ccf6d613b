//! More is asked for than can be done: the host sheds, serves the rest in time, and is itself again afterwards.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::client::Client;
use crate::history::{Act, Told};
use crate::load;
use crate::settle::settle;
use crate::tell;
use crate::world::World;

/// Clients that wait for each answer, within what the pool of a host has.
const USUAL: usize = 32;
/// Clients with a connection each: more than a host has sessions, guests and places in its queue (768). With those that the usual clients
/// keep they are fewer than its connections (1024), beyond which one waits until an idle connection times out.
const CLIENTS: usize = 900;
const TIMES: f64 = 10.0;
/// Whoever is served is served within this time: as long as the host lets a request wait.
const LATENCY: Duration = Duration::from_secs(10);
/// The rate is back this long after the overload.
const BACK: Duration = Duration::from_secs(5);
/// How much of the rate: the machine has other things to do.
const SHARE: f64 = 0.5;
/// How much of it meanwhile: those who ask too much take their part of the same machine.
const SHARE_MEANWHILE: f64 = 0.2;
const TICK: Duration = Duration::from_millis(5);

/// What became of requests.
#[derive(Default)]
struct Tally {
    served: Vec<Duration>,
    shed: usize,
    lost: usize,
}

/// Ten times the sustainable rate for `length`.
///
/// # Panics
/// With what was found.
pub async fn run(length: Duration) {
    allow_descriptors();
    let world = World::make().await;
    let _probe = load::probe(&world.client);
    let usual = rate(&world.client, Duration::from_secs(2)).await;
    let begun = Instant::now();
    let (offered, tally) = overload(&world.client, usual * TIMES, length).await;
    let rate_meanwhile = tally.served.len() as f64 / begun.elapsed().as_secs_f64();
    let sound = Instant::now();
    let back = back(&world.client, usual).await;
    let most = tally.served.iter().max().copied().unwrap_or_default();
    let Tally { served, shed, lost } = &tally;
    tell(&format!(
        "overload: {usual:.0}/s usual; {offered} requests in {length:?}: {} served ({rate_meanwhile:.0}/s, at most {most:?}), {shed} shed, {lost} without an answer; rate back after {back:?}",
        served.len()
    ));
    world.heal().await;
    let settled = settle(&world, sound).await;
    tell(&format!("overload: {settled}"));
    let findings = world.end().await.all();
    assert!(findings.is_empty(), "{findings:#?}");
    assert!(*shed > 0, "nothing was shed");
    assert_eq!(*lost, 0, "requests without an answer");
    assert!(most < LATENCY, "an operation took {most:?}");
    assert!(
        rate_meanwhile > usual * SHARE_MEANWHILE,
        "{rate_meanwhile:.0}/s served under overload, {usual:.0}/s otherwise"
    );
    assert!(back.is_some_and(|back| back < BACK), "the rate is not back: {back:?}");
}

/// Operations per second that a few clients get done.
async fn rate(client: &Client, length: Duration) -> f64 {
    let begun = Instant::now();
    let clients = (0..USUAL).map(async |_| {
        let mut done = 0;
        while begun.elapsed() < length {
            done += u32::from(matches!(client.attempt(0, create()).await, Told::Answer(_)));
        }
        done
    });
    let done: u32 = futures::future::join_all(clients).await.into_iter().sum();
    f64::from(done) / begun.elapsed().as_secs_f64()
}

/// Requests come at `rate` per second, as long as there are clients without one. Gives how many were sent.
async fn overload(client: &Client, rate: f64, length: Duration) -> (usize, Tally) {
    let (begun, tickets) = (Instant::now(), Arc::new(Semaphore::new(0)));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (client, tickets) = (client.another(2 * LATENCY), tickets.clone());
        clients.spawn(async move {
            let mut tally = Tally::default();
            while let Ok(ticket) = tickets.acquire().await {
                ticket.forget();
                let start = Instant::now();
                tally.add(client.attempt(0, create()).await, start.elapsed());
            }
            tally
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
    let tallies = clients.join_all().await;
    let tally = tallies.into_iter().reduce(Tally::and).unwrap_or_default();
    (tally.served.len() + tally.shed + tally.lost, tally)
}

/// How long it takes until the rate is what it was.
async fn back(client: &Client, usual: f64) -> Option<Duration> {
    let begun = Instant::now();
    while begun.elapsed() < BACK {
        if rate(client, Duration::from_millis(500)).await > usual * SHARE {
            return Some(begun.elapsed());
        }
    }
    None
}

impl Tally {
    fn add(&mut self, told: Told, took: Duration) {
        match told {
            Told::Answer(_) => self.served.push(took),
            Told::Unavailable => self.shed += 1,
            Told::Nothing | Told::Head(_) => self.lost += 1,
        }
    }

    fn and(mut self, other: Tally) -> Tally {
        self.served.extend(other.served);
        Tally { served: self.served, shed: self.shed + other.shed, lost: self.lost + other.lost }
    }
}

fn create() -> Act {
    let name = format!("item {}", uuid::Uuid::new_v4().simple());
    Act::Create { key: name.replace(' ', "-"), name }
}

/// For our own side of the connections.
fn allow_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("raise our own limit of open files");
}
