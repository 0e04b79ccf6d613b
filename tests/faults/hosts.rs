//! The two hosts of a run, which share one database.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::RwLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use support::Manifest;
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::host::Host;

/// How many hosts there are.
pub const HOSTS: usize = 2;

/// Which audit a host runs: the real one, or the probe, which traps, hangs, answers 500 or answers 422.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audit {
    Real,
    Trapping,
    Hanging,
    Failing,
    Refusing,
}

/// Both hosts, whether they run or not.
pub struct Hosts {
    slots: [Slot; HOSTS],
    manifests: HashMap<Audit, (TempDir, PathBuf)>,
    environment: Vec<(String, String)>,
    logs: PathBuf,
    starts: AtomicUsize,
}

/// The place of one host.
struct Slot {
    running: Mutex<Option<Host>>,
    /// Where it listens while it runs.
    address: RwLock<Option<SocketAddr>>,
    audit: RwLock<Audit>,
}

impl Hosts {
    /// Starts both. The environment has the application's variables.
    pub async fn start(environment: Vec<(String, String)>, logs: &Path) -> Hosts {
        let slot = || Slot { running: Mutex::new(None), address: RwLock::new(None), audit: RwLock::new(Audit::Real) };
        let kinds = [Audit::Real, Audit::Trapping, Audit::Hanging, Audit::Failing, Audit::Refusing];
        let manifests = kinds.map(|audit| (audit, manifest(audit))).into_iter().collect();
        let starts = AtomicUsize::new(0);
        let hosts = Hosts { slots: [slot(), slot()], manifests, environment, logs: logs.to_owned(), starts };
        for number in 0..HOSTS {
            hosts.ensure_running(number).await;
        }
        hosts
    }

    /// The address of a host, or of the other one while it is down.
    pub fn address(&self, number: usize) -> Option<SocketAddr> {
        let at = |number: usize| *self.slots[number % HOSTS].address.read().expect("the address");
        at(number).or_else(|| at(number + 1))
    }

    /// Ends a host with SIGKILL.
    pub async fn kill(&self, number: usize) {
        if let Some(host) = self.take(number).await {
            host.kill().await;
        }
    }

    /// Ends a host with SIGTERM.
    ///
    /// # Errors
    /// If it fails or does not end in time.
    pub async fn terminate(&self, number: usize) -> Result<(), String> {
        let Some(host) = self.take(number).await else { return Ok(()) };
        match host.terminate().await {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(format!("host {number} ended with {status} after SIGTERM")),
            None => Err(format!("host {number} did not end after SIGTERM")),
        }
    }

    /// Sets the audit of a host from its next start on.
    pub fn set_audit(&self, number: usize, audit: Audit) {
        *self.slots[number].audit.write().expect("the kind of audit") = audit;
    }

    /// Starts a host unless it runs.
    pub async fn ensure_running(&self, number: usize) {
        let slot = &self.slots[number];
        let mut running = slot.running.lock().await;
        if running.is_some() {
            return;
        }
        let manifest = &self.manifests[&*slot.audit.read().expect("the kind of audit")].1;
        let log = self.logs.join(format!("host-{number}-{}.log", self.starts.fetch_add(1, Relaxed)));
        let host = Host::start(manifest, &log, &self.environment).await.unwrap_or_else(|error| panic!("{error:#}"));
        *slot.address.write().expect("the address") = Some(host.address);
        *running = Some(host);
    }

    /// Resident memory of the larger host, in bytes.
    pub async fn memory(&self) -> u64 {
        self.running(Host::memory).await.into_iter().max().unwrap_or(0)
    }

    /// The process ids of the running hosts.
    pub async fn pids(&self) -> Vec<u32> {
        self.running(Host::pids).await.concat()
    }

    /// A value of each running host.
    async fn running<T>(&self, value: impl Fn(&Host) -> T) -> Vec<T> {
        let mut values = Vec::new();
        for slot in &self.slots {
            values.extend(slot.running.lock().await.as_ref().map(&value));
        }
        values
    }

    async fn take(&self, number: usize) -> Option<Host> {
        let slot = &self.slots[number];
        let host = slot.running.lock().await.take();
        *slot.address.write().expect("the address") = None;
        host
    }
}

fn manifest(audit: Audit) -> (TempDir, PathBuf) {
    let mut manifest = Manifest::read();
    match audit {
        Audit::Real => {}
        Audit::Trapping => manifest.probe_as_audit("trap"),
        Audit::Hanging => manifest.probe_as_audit("hang"),
        Audit::Failing => manifest.probe_as_audit("fail"),
        Audit::Refusing => manifest.probe_as_audit("refuse"),
    }
    manifest.write()
}
