//! What can go wrong. Each fault begins, lasts and ends by itself, and reports what it did.

mod clients;
mod clock;
pub mod database;
mod hosts;

use std::time::Duration;

use tokio::time::sleep;

use crate::hosts::Audit;
use crate::proxy::Network;
use crate::server::Shutdown;
use crate::system::System;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    KillHost,
    TerminateHost,
    KillBackend,
    RestartPostgres(Shutdown),
    Network(Network),
    ConnectionsTaken,
    DiskFull,
    OpenSnapshot,
    Audit(Audit),
    SidecarGone,
    /// In hours.
    ClockStep(i32),
    HangUps,
    SlowReaders,
}

/// Every fault of a round.
pub const ALL: [Fault; 23] = [
    Fault::KillHost,
    Fault::TerminateHost,
    Fault::KillBackend,
    Fault::RestartPostgres(Shutdown::Fast),
    Fault::RestartPostgres(Shutdown::Immediate),
    Fault::Network(Network::Refusing),
    Fault::Network(Network::Losing),
    Fault::Network(Network::Slow(Duration::from_millis(80))),
    Fault::Network(Network::Resetting),
    Fault::Network(Network::ServerHungUp),
    Fault::Network(Network::ClientHungUp),
    Fault::ConnectionsTaken,
    Fault::DiskFull,
    Fault::OpenSnapshot,
    Fault::Audit(Audit::Trapping),
    Fault::Audit(Audit::Hanging),
    Fault::Audit(Audit::Failing),
    Fault::Audit(Audit::Refusing),
    Fault::SidecarGone,
    Fault::ClockStep(1),
    Fault::ClockStep(-1),
    Fault::HangUps,
    Fault::SlowReaders,
];

impl Fault {
    /// Whether both may happen at the same time. Two of one kind would undo each other. An event that a slow network
    /// keeps from the real audit must not be refused by the other host's meanwhile: it would rightly be stored and
    /// refused.
    pub fn goes_with(self, other: Fault) -> bool {
        let pair = [self, other];
        let late = pair.contains(&Fault::Network(Network::Losing)) && pair.contains(&Fault::Audit(Audit::Refusing));
        self.kind() != other.kind() && !late
    }

    fn kind(self) -> &'static str {
        match self {
            Fault::KillHost | Fault::TerminateHost | Fault::Audit(_) => "host",
            Fault::KillBackend | Fault::RestartPostgres(_) => "server",
            Fault::Network(_) => "network",
            Fault::ConnectionsTaken => "connections",
            Fault::DiskFull => "disk",
            Fault::OpenSnapshot => "snapshot",
            Fault::SidecarGone => "sidecar",
            Fault::ClockStep(_) => "clock",
            Fault::HangUps | Fault::SlowReaders => "clients",
        }
    }

    /// Lets it happen, from its beginning to its end, and returns what it did.
    pub async fn happen(self, system: &System, lasting: Duration, rng: &mut fastrand::Rng) -> String {
        match self {
            Fault::KillHost => hosts::kill(system, lasting, rng).await,
            Fault::TerminateHost => hosts::terminate(system, lasting, rng).await,
            Fault::Audit(audit) => hosts::replace_audit(system, audit, lasting, rng).await,
            Fault::KillBackend => database::kill_backend(system, lasting).await,
            Fault::RestartPostgres(shutdown) => database::restart(system, shutdown, lasting).await,
            Fault::ConnectionsTaken => database::take_connections(system, lasting).await,
            Fault::DiskFull => database::fill_disk(system, lasting).await,
            Fault::OpenSnapshot => database::hold_snapshot(system, lasting).await,
            Fault::Network(network) => {
                system.proxy.set(network);
                sleep(lasting).await;
                system.proxy.set(Network::Good);
                format!("the network was {network:?}")
            }
            Fault::SidecarGone => {
                system.sidecar.kill().await;
                sleep(lasting).await;
                system.sidecar.ensure_running().await;
                "the sidecar was killed".into()
            }
            Fault::ClockStep(hours) => clock::step(system, hours, lasting).await,
            Fault::HangUps => clients::hang_up(system, lasting, rng).await,
            Fault::SlowReaders => clients::read_slowly(system, lasting, rng).await,
        }
    }
}
