//! What can go wrong. Each fault begins, lasts and ends by itself, and says what it saw.

mod audit;
mod clients;
mod clock;
pub mod database;
mod host;
mod network;

use std::time::Duration;

use tokio::time::sleep;

use crate::hosts::Audit;
use crate::proxy::Weather;
use crate::server::Shutdown;
use crate::world::World;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    KillHost,
    TerminateHost,
    KillBackend,
    RestartPostgres(Shutdown),
    Network(Weather),
    ConnectionsTaken,
    DiskFull,
    OpenSnapshot,
    Audit(Audit),
    SidecarGone,
    ClockStep(i32),
    HangUps,
    SlowReaders,
}

pub const ALL: [Fault; 23] = [
    Fault::KillHost,
    Fault::TerminateHost,
    Fault::KillBackend,
    Fault::RestartPostgres(Shutdown::Fast),
    Fault::RestartPostgres(Shutdown::Immediate),
    Fault::Network(Weather::Refusing),
    Fault::Network(Weather::Losing),
    Fault::Network(Weather::Slow(Duration::from_millis(80))),
    Fault::Network(Weather::Resetting),
    Fault::Network(Weather::ServerHungUp),
    Fault::Network(Weather::ClientHungUp),
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
    /// Two of one kind would undo each other. What one audit is late to store, because the network held it up, must not be refused by
    /// another meanwhile: then it is both, rightly.
    pub fn goes_with(self, other: Fault) -> bool {
        let pair = [self, other];
        let late = pair.contains(&Fault::Network(Weather::Losing)) && pair.contains(&Fault::Audit(Audit::Refusing));
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

    /// From its beginning to its end.
    pub async fn happen(self, world: &World, lasting: Duration, rng: &mut fastrand::Rng) -> String {
        match self {
            Fault::KillHost => host::kill(world, lasting, rng).await,
            Fault::TerminateHost => host::terminate(world, lasting, rng).await,
            Fault::KillBackend => database::kill_backend(world, lasting).await,
            Fault::RestartPostgres(shutdown) => database::restart(world, shutdown, lasting).await,
            Fault::Network(weather) => network::change(world, weather, lasting).await,
            Fault::ConnectionsTaken => database::take_connections(world, lasting).await,
            Fault::DiskFull => database::fill_disk(world, lasting).await,
            Fault::OpenSnapshot => database::hold_snapshot(world, lasting).await,
            Fault::Audit(audit) => audit::replace(world, audit, lasting, rng).await,
            Fault::SidecarGone => {
                world.sidecar.kill().await;
                sleep(lasting).await;
                world.sidecar.ensure_running().await;
                "the sidecar was killed".into()
            }
            Fault::ClockStep(hours) => clock::step(world, hours, lasting).await,
            Fault::HangUps => clients::hang_up(world, lasting, rng).await,
            Fault::SlowReaders => clients::read_slowly(world, lasting, rng).await,
        }
    }
}
