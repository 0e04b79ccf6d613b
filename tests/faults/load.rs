//! The load of a run: clients that create, list, get, update and delete items, and a probe of readiness.

use std::ops::Range;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

use crate::client::Client;
use crate::history::Operation;
use crate::hosts::HOSTS;

const CLIENTS: u64 = 10;
/// Between two operations of a client, in milliseconds.
const PAUSE: Range<u64> = 5..45;

/// The running clients.
pub struct Load {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Load {
    /// Starts the clients; their choices depend on the seed.
    pub fn start(client: &Client, seed: u64) -> Load {
        let stop = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        for number in 0..CLIENTS {
            let rng = fastrand::Rng::with_seed(seed.wrapping_mul(1000) + number);
            tasks.spawn(work(client.clone(), rng, format!("{seed}-{number}"), stop.subscribe()));
        }
        Load { stop, tasks }
    }

    /// Waits until every client has finished its operation, without further retries.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        self.tasks.join_all().await;
    }
}

async fn work(client: Client, mut rng: fastrand::Rng, name: String, stop: watch::Receiver<bool>) {
    let mut count = 0;
    while !*stop.borrow() {
        count += 1;
        let operation = choose(&client, &mut rng, &format!("{name}-{count}"));
        client.operate(&mut rng, operation, || *stop.borrow()).await;
        sleep(Duration::from_millis(rng.u64(PAUSE))).await;
    }
}

fn choose(client: &Client, rng: &mut fastrand::Rng, name: &str) -> Operation {
    let known = client.history.choose(rng);
    let name = if rng.u8(..100) < 5 { format!("large {name}") } else { name.to_owned() };
    match (rng.u8(..100), known) {
        (0..40, _) | (_, None) => Operation::Create { key: format!("key {name}").replace(' ', "-"), name },
        (40..60, Some(item)) => Operation::Get { id: item.id },
        (60..80, Some(item)) => Operation::Update { id: item.id, version: item.version, name },
        (80..89, Some(item)) => Operation::Delete { id: item.id, version: item.version },
        (89..91, Some(item)) => Operation::Conflict { key: item.key },
        (91..99, _) => Operation::Page,
        _ => Operation::List,
    }
}

/// Requests `/readyz` of both hosts every second, as a cluster does, until the returned value is dropped.
pub fn probe(client: &Client) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for number in 0..HOSTS {
        let hosts = client.hosts.clone();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build();
        let http = http.expect("an HTTP client");
        tasks.spawn(async move {
            let mut ticks = interval(Duration::from_secs(1));
            loop {
                ticks.tick().await;
                if let Some(address) = hosts.address(number) {
                    // The response does not matter: a readiness check makes the host relay.
                    let _ = http.get(format!("http://{address}/readyz")).send().await;
                }
            }
        });
    }
    tasks
}
