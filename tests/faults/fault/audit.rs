//! Audit misbehaves on one host or on both. A running host keeps its components: it is started anew with others.

use std::time::Duration;

use tokio::time::sleep;

use crate::hosts::{Audit, HOSTS};
use crate::world::World;

pub async fn replace(world: &World, audit: Audit, lasting: Duration, rng: &mut fastrand::Rng) -> String {
    let first = rng.usize(..HOSTS);
    let count = rng.usize(1..=HOSTS);
    let numbers: Vec<usize> = (0..count).map(|step| (first + step) % HOSTS).collect();
    for number in &numbers {
        put(world, *number, audit).await;
    }
    sleep(lasting).await;
    for number in &numbers {
        put(world, *number, Audit::Sound).await;
    }
    format!("audit was {audit:?} on {count} of {HOSTS} hosts")
}

async fn put(world: &World, number: usize, audit: Audit) {
    world.hosts.set_audit(number, audit);
    world.hosts.kill(number).await;
    world.hosts.ensure_running(number).await;
}
