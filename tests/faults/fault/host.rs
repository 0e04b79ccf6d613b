//! A host goes; the other one takes over.

use std::time::Duration;

use tokio::time::sleep;

use crate::hosts::HOSTS;
use crate::world::World;

pub async fn kill(world: &World, lasting: Duration, rng: &mut fastrand::Rng) -> String {
    let number = rng.usize(..HOSTS);
    world.hosts.kill(number).await;
    sleep(lasting).await;
    world.hosts.ensure_running(number).await;
    format!("host {number} was killed")
}

/// Under load it ends what it has begun, by itself.
pub async fn terminate(world: &World, lasting: Duration, rng: &mut fastrand::Rng) -> String {
    let number = rng.usize(..HOSTS);
    let outcome = world.hosts.terminate(number).await;
    if let Err(finding) = outcome {
        world.findings.add(finding);
    }
    sleep(lasting).await;
    world.hosts.ensure_running(number).await;
    format!("host {number} was asked to end")
}
