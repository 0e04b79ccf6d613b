//! The load of a run: clients that create, list, get, update and delete, and a probe that asks for readiness.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

use crate::client::Client;
use crate::history::Act;
use crate::hosts::HOSTS;

const CLIENTS: u64 = 10;
/// Between two operations of a client, in milliseconds.
const PAUSE: std::ops::Range<u64> = 5..45;

pub struct Load {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Load {
    pub fn start(client: &Client, seed: u64) -> Load {
        let stop = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        for number in 0..CLIENTS {
            let rng = fastrand::Rng::with_seed(seed.wrapping_mul(1000) + number);
            tasks.spawn(work(client.clone(), rng, format!("{seed}-{number}"), stop.subscribe()));
        }
        Load { stop, tasks }
    }

    /// Lets every client end what it is at, without further retries.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        self.tasks.join_all().await;
    }
}

async fn work(client: Client, mut rng: fastrand::Rng, name: String, stop: watch::Receiver<bool>) {
    let mut count = 0;
    while !*stop.borrow() {
        count += 1;
        let act = choose(&client, &mut rng, &format!("{name}-{count}"));
        client.operate(&mut rng, act, || *stop.borrow()).await;
        sleep(Duration::from_millis(rng.u64(PAUSE))).await;
    }
}

fn choose(client: &Client, rng: &mut fastrand::Rng, name: &str) -> Act {
    let known = client.history.choose(rng);
    let name = if rng.u8(..100) < 5 { format!("large {name}") } else { name.to_owned() };
    match (rng.u8(..100), known) {
        (0..40, _) | (_, None) => Act::Create { key: format!("key {name}").replace(' ', "-"), name },
        (40..60, Some(item)) => Act::Get { id: item.id },
        (60..80, Some(item)) => Act::Update { id: item.id, version: item.version, name },
        (80..89, Some(item)) => Act::Delete { id: item.id, version: item.version },
        (89..91, Some(item)) => Act::Conflict { key: item.key },
        (91..99, _) => Act::Page,
        _ => Act::List,
    }
}

/// Asks both hosts for readiness every second, as a cluster does; ends with the value it gives.
pub fn probe(client: &Client) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for number in 0..HOSTS {
        let hosts = client.hosts.clone();
        tasks.spawn(async move {
            let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
            let mut ticks = interval(Duration::from_secs(1));
            loop {
                ticks.tick().await;
                if let Some(address) = hosts.address(number) {
                    // What it answers is for others; what it sets going is what counts.
                    let _ = timeout(Duration::from_secs(5), http.get(format!("http://{address}/readyz")).send()).await;
                }
            }
        });
    }
    tasks
}
