//! Everything that a run is made of, and how it is made sound again.

use std::sync::Arc;
use std::time::Duration;

use support::eventually;

use crate::client::Client;
use crate::clock::Clock;
use crate::findings::Findings;
use crate::history::History;
use crate::hosts::{Audit, HOSTS, Hosts};
use crate::logs::Logs;
use crate::proxy::{Proxy, Weather};
use crate::server::Postgres;
use crate::sidecar::Sidecar;
use crate::volume::Volume;

/// Within this time a host whose database is there again says so.
const HEALTH_DEADLINE: Duration = Duration::from_secs(15);

pub struct World {
    pub hosts: Arc<Hosts>,
    pub client: Client,
    pub findings: Findings,
    pub proxy: Proxy,
    pub sidecar: Sidecar,
    pub postgres: Postgres,
    pub clock: Clock,
    pub volume: Volume,
    pub logs: Logs,
}

impl World {
    pub async fn make() -> World {
        let logs = Logs::make();
        let (volume, clock) = (Volume::make(), Clock::real());
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
        let findings = Findings::default();
        let client = Client::new(hosts.clone(), Arc::new(History::default()), findings.clone());
        World { hosts, client, findings, proxy, sidecar, postgres, clock, volume, logs }
    }

    /// Ends whatever is still wrong, and waits until both hosts are ready.
    ///
    /// # Panics
    /// When one is not within 15 s.
    pub async fn heal(&self) {
        self.proxy.set(Weather::Fair);
        self.clock.step(0);
        self.volume.free();
        self.postgres.ensure_running().await;
        self.sidecar.ensure_running().await;
        for number in 0..HOSTS {
            self.hosts.set_audit(number, Audit::Sound);
            self.hosts.ensure_running(number).await;
        }
        for number in 0..HOSTS {
            eventually(&format!("host {number} is ready"), HEALTH_DEADLINE, async || {
                let address = self.hosts.address(number).expect("a running host has an address");
                match reqwest::get(format!("http://{address}/readyz")).await {
                    Ok(answer) if answer.status() == 200 => Ok(()),
                    answer => Err(format!("{answer:?}")),
                }
            })
            .await;
        }
    }

    /// Ends all of it, in order; what does not end, or stays, is a finding.
    pub async fn end(mut self) -> Findings {
        let mut pids = self.hosts.pids().await;
        pids.extend(self.sidecar.pid().await);
        for number in 0..HOSTS {
            if let Err(finding) = self.hosts.terminate(number).await {
                self.findings.add(finding);
            }
        }
        self.sidecar.kill().await;
        self.postgres.end().await;
        for pid in pids.into_iter().filter(|pid| std::path::Path::new(&format!("/proc/{pid}")).exists()) {
            self.findings.add(format!("process {pid} is left"));
        }
        for process in processes_in(self.volume.path()) {
            self.findings.add(format!("{process} is left"));
        }
        if !self.findings.all().is_empty() {
            self.logs.keep();
        }
        self.findings
    }
}

/// The processes that work in a folder, as PostgreSQL's do in its data directory.
fn processes_in(folder: &std::path::Path) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let works_there = |path: &std::path::PathBuf| {
        std::fs::read_link(path.join("cwd")).is_ok_and(|working| working.starts_with(folder))
    };
    processes.map(|entry| entry.path()).filter(works_there).map(|path| path.display().to_string()).collect()
}
