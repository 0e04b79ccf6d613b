//! A run: rounds of faults under load, each followed by a comparison.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::fault::database::hold_snapshot;
use crate::history::Act;
use crate::load::{self, Load};
use crate::schedule::{Schedule, Slot};
use crate::settle::settle;
use crate::tell;
use crate::world::World;

/// Findings beyond these are only counted.
const SHOWN: usize = 20;
/// How long a snapshot stays open in a run that is as long, across its rounds.
const SNAPSHOT: Duration = Duration::from_secs(600);
/// Large items to begin with, so that the whole list outgrows every buffer.
const LARGE: usize = 200;

/// Rounds with `seed`, the number after it, and so on, until `length` is over; at least one.
///
/// # Panics
/// With what was found, and the seed of the round that found it.
pub async fn run(seed: u64, length: Duration) {
    let begun = Instant::now();
    let world = World::make().await;
    prepare(&world, seed).await;
    let _probe = load::probe(&world.client);
    let rounds = async {
        for seed in seed.. {
            round(&world, seed).await;
            if begun.elapsed() >= length || !world.findings.all().is_empty() {
                return seed;
            }
        }
        seed
    };
    let snapshot = async {
        if !length.is_zero() {
            tell(&hold_snapshot(&world, length.min(SNAPSHOT)).await);
        }
        std::future::pending().await
    };
    let last = tokio::select! { seed = rounds => seed, seed = snapshot => seed };
    let findings = world.end().await.all();
    for finding in findings.iter().take(SHOWN) {
        tell(finding);
    }
    assert!(findings.is_empty(), "{} findings; again with SEED={last}", findings.len());
}

async fn prepare(world: &World, seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    for number in 0..LARGE {
        let name = format!("large {number}");
        let act = Act::Create { key: format!("first-{seed}-{number}"), name };
        world.client.operate(&mut rng, act, || false).await;
    }
}

async fn round(world: &World, seed: u64) {
    let begun = Instant::now();
    let schedule = Schedule::of(seed);
    tell(&format!("SEED={seed}"));
    let load = Load::start(&world.client, seed);
    for slot in &schedule.0 {
        inflict(world, slot, begun).await;
    }
    world.heal().await;
    let sound = Instant::now();
    // Whoever was waiting has its answer now.
    sleep(Duration::from_secs(2)).await;
    load.stop().await;
    let settled = settle(world, sound).await;
    let findings = world.findings.all().len();
    tell(&format!("SEED={seed}: {settled}; {:.0} s; {findings} findings", begun.elapsed().as_secs_f32()));
}

async fn inflict(world: &World, slot: &Slot, begun: Instant) {
    let mut rng = fastrand::Rng::with_seed(slot.seed);
    let rngs: Vec<_> = slot.faults.iter().map(|_| rng.fork()).collect();
    let faults = slot.faults.iter().zip(rngs);
    let happening = faults.map(async |((fault, lasting), mut rng)| fault.happen(world, *lasting, &mut rng).await);
    let seen = futures::future::join_all(happening).await;
    tell(&format!("{:5.1} s  {slot}: {}", begun.elapsed().as_secs_f32(), seen.join("; ")));
    sleep(slot.pause).await;
}
