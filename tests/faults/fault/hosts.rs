//! A host is stopped, or runs another audit.

use std::time::Duration;

use tokio::time::sleep;

use crate::hosts::{Audit, HOSTS};
use crate::system::System;

pub async fn kill(system: &System, lasting: Duration, rng: &mut fastrand::Rng) -> String {
    let number = rng.usize(..HOSTS);
    system.hosts.kill(number).await;
    sleep(lasting).await;
    system.hosts.ensure_running(number).await;
    format!("host {number} was killed")
}

/// Stops a host with SIGTERM: under load it must finish its work and end by itself.
pub async fn terminate(system: &System, lasting: Duration, rng: &mut fastrand::Rng) -> String {
    let number = rng.usize(..HOSTS);
    if let Err(finding) = system.hosts.terminate(number).await {
        system.history.find(finding);
    }
    sleep(lasting).await;
    system.hosts.ensure_running(number).await;
    format!("host {number} was terminated")
}

/// Restarts one host or both with another audit, since a running host keeps its components.
pub async fn replace_audit(system: &System, audit: Audit, lasting: Duration, rng: &mut fastrand::Rng) -> String {
    let first = rng.usize(..HOSTS);
    let count = rng.usize(1..=HOSTS);
    for audit in [audit, Audit::Real] {
        for step in 0..count {
            let number = (first + step) % HOSTS;
            system.hosts.set_audit(number, audit);
            system.hosts.kill(number).await;
            system.hosts.ensure_running(number).await;
        }
        if audit != Audit::Real {
            sleep(lasting).await;
        }
    }
    format!("audit was {audit:?} on {count} of {HOSTS} hosts")
}
