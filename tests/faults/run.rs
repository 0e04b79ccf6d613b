//! A run: rounds of faults under load, each followed by a comparison.

use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::time::sleep;

use crate::fault::database::hold_snapshot;
use crate::history::Operation;
use crate::load::{self, Load};
use crate::report;
use crate::schedule::{Schedule, Slot};
use crate::settle::settle;
use crate::system::System;

/// How many findings are printed; further ones are counted.
const PRINTED: usize = 20;
/// How long a snapshot stays open across the rounds of a long run.
const SNAPSHOT: Duration = Duration::from_secs(600);
/// Large items at the start, so that the full list is larger than every buffer.
const LARGE: usize = 200;

/// Runs rounds with `seed`, the next number, and so on, for `length`; at least one. Panics with the seed of the round
/// in which something was found.
pub async fn run(seed: u64, length: Duration) {
    let begun = Instant::now();
    let system = System::start().await;
    create_large_items(&system, seed).await;
    let _probe = load::probe(&system.client);
    let rounds = async {
        for seed in seed.. {
            round(&system, seed).await;
            if begun.elapsed() >= length || !system.history.findings().is_empty() {
                return seed;
            }
        }
        seed
    };
    let snapshot = async {
        if !length.is_zero() {
            report(&hold_snapshot(&system, length.min(SNAPSHOT)).await);
        }
        std::future::pending().await
    };
    let last = tokio::select! { seed = rounds => seed, seed = snapshot => seed };
    let findings = system.end().await;
    findings.iter().take(PRINTED).for_each(|finding| report(finding));
    assert!(findings.is_empty(), "{} findings; to repeat: SEED={last}", findings.len());
}

async fn create_large_items(system: &System, seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    for number in 0..LARGE {
        let create = Operation::Create { key: format!("first-{seed}-{number}"), name: format!("large {number}") };
        system.client.operate(&mut rng, create, || false).await;
    }
}

async fn round(system: &System, seed: u64) {
    let begun = Instant::now();
    let schedule = Schedule::of(seed);
    report(&format!("SEED={seed}"));
    let load = Load::start(&system.client, seed);
    for slot in &schedule.0 {
        inflict(system, slot, begun).await;
    }
    system.repair().await;
    let repaired = Instant::now();
    // Time for clients that were waiting to get their responses.
    sleep(Duration::from_secs(2)).await;
    load.stop().await;
    let settled = settle(system, repaired).await;
    let findings = system.history.findings().len();
    report(&format!("SEED={seed}: {settled}; {:.0} s; {findings} findings", begun.elapsed().as_secs_f32()));
}

async fn inflict(system: &System, slot: &Slot, begun: Instant) {
    let mut rng = fastrand::Rng::with_seed(slot.seed);
    let rngs: Vec<_> = slot.faults.iter().map(|_| rng.fork()).collect();
    let faults = slot.faults.iter().zip(rngs);
    let reports =
        join_all(faults.map(async |((fault, lasting), mut rng)| fault.happen(system, *lasting, &mut rng).await));
    report(&format!("{:5.1} s  {slot}: {}", begun.elapsed().as_secs_f32(), reports.await.join("; ")));
    sleep(slot.pause).await;
}
