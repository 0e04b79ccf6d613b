//! Everything that a run consists of, and how it is repaired.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use support::eventually;

use crate::client::Client;
use crate::clock::Clock;
use crate::history::History;
use crate::hosts::{Audit, HOSTS, Hosts};
use crate::logs::Logs;
use crate::proxy::{Network, Proxy};
use crate::server::Postgres;
use crate::sidecar::Sidecar;
use crate::volume::Volume;

/// A host whose database is reachable again is ready within this time.
const READY_DEADLINE: Duration = Duration::from_secs(15);

/// Two hosts, their database behind a proxy, the sidecar, and the client that uses them.
pub struct System {
    pub hosts: Arc<Hosts>,
    pub client: Client,
    pub history: Arc<History>,
    pub proxy: Proxy,
    pub sidecar: Sidecar,
    pub postgres: Postgres,
    pub clock: Clock,
    pub volume: Volume,
    pub logs: Logs,
}

impl System {
    /// Starts all of it.
    pub async fn start() -> System {
        let logs = Logs::create();
        let (volume, clock) = (Volume::create(), Clock::real());
        let postgres = Postgres::start(&volume, &clock).await.unwrap_or_else(|error| panic!("{error:#}"));
        let proxy = Proxy::start(postgres.port).await;
        let sidecar = Sidecar::start(&postgres.database, logs.0.path()).await;
        let mut variables = postgres.database.variables();
        variables.retain(|(name, _)| name != "db_port");
        variables.push(("db_port".into(), proxy.port.to_string()));
        let variable = |(name, value): (String, String)| (format!("SPIN_VARIABLE_{}", name.to_uppercase()), value);
        let mut environment: Vec<_> = variables.into_iter().map(variable).collect();
        environment.extend(clock.environment());
        environment.push(sidecar.environment());
        let hosts = Arc::new(Hosts::start(environment, logs.0.path()).await);
        let history = Arc::new(History::default());
        let client = Client::new(hosts.clone(), history.clone());
        System { hosts, client, history, proxy, sidecar, postgres, clock, volume, logs }
    }

    /// Ends every fault and waits until both hosts are ready.
    pub async fn repair(&self) {
        self.proxy.set(Network::Good);
        self.clock.step(0);
        self.volume.free();
        self.postgres.ensure_running().await;
        self.sidecar.ensure_running().await;
        for number in 0..HOSTS {
            self.hosts.set_audit(number, Audit::Real);
            self.hosts.ensure_running(number).await;
        }
        for number in 0..HOSTS {
            eventually(&format!("host {number} is ready"), READY_DEADLINE, async || {
                let address = self.hosts.address(number).expect("a running host has an address");
                match reqwest::get(format!("http://{address}/readyz")).await {
                    Ok(response) if response.status() == 200 => Ok(()),
                    response => Err(format!("{response:?}")),
                }
            })
            .await;
        }
    }

    /// Stops all of it, in order, and returns the findings. Anything that does not stop is one.
    pub async fn end(mut self) -> Vec<String> {
        let mut pids = self.hosts.pids().await;
        pids.extend(self.sidecar.pid().await);
        for number in 0..HOSTS {
            if let Err(finding) = self.hosts.terminate(number).await {
                self.history.find(finding);
            }
        }
        self.sidecar.kill().await;
        self.postgres.end().await;
        for pid in pids.into_iter().filter(|pid| Path::new(&format!("/proc/{pid}")).exists()) {
            self.history.find(format!("process {pid} still runs"));
        }
        for process in processes_in(self.volume.path()) {
            self.history.find(format!("{process} still runs"));
        }
        let findings = self.history.findings();
        if !findings.is_empty() {
            self.logs.keep();
        }
        findings
    }
}

/// The processes whose working folder is in a folder, as that of PostgreSQL is in its data folder.
fn processes_in(folder: &Path) -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
    let inside = |path: &PathBuf| fs::read_link(path.join("cwd")).is_ok_and(|working| working.starts_with(folder));
    processes.filter(inside).map(|path| path.display().to_string()).collect()
}
