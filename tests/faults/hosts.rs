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

/// What runs in the place of audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audit {
    Sound,
    Trapping,
    Hanging,
    /// Answers 500.
    Failing,
    /// Answers 422.
    Refusing,
}

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
    /// Where clients find it while it runs.
    address: RwLock<Option<SocketAddr>>,
    audit: RwLock<Audit>,
}

impl Hosts {
    /// Starts both. Variables of the application come through the environment.
    pub async fn start(environment: Vec<(String, String)>, logs: &Path) -> Hosts {
        let slot = || Slot { running: Mutex::new(None), address: RwLock::new(None), audit: RwLock::new(Audit::Sound) };
        let kinds = [Audit::Sound, Audit::Trapping, Audit::Hanging, Audit::Failing, Audit::Refusing];
        let manifests = kinds.map(|audit| (audit, manifest(audit))).into_iter().collect();
        let starts = AtomicUsize::new(0);
        let hosts = Hosts { slots: [slot(), slot()], manifests, environment, logs: logs.to_owned(), starts };
        for number in 0..HOSTS {
            hosts.ensure_running(number).await;
        }
        hosts
    }

    /// Where a host answers; the other one while it is down.
    pub fn address(&self, number: usize) -> Option<SocketAddr> {
        let at = |number: usize| *self.slots[number % HOSTS].address.read().expect("the address");
        at(number).or_else(|| at(number + 1))
    }

    pub async fn kill(&self, number: usize) {
        if let Some(host) = self.take(number).await {
            host.kill().await;
        }
    }

    /// SIGTERM; an error says how it did not end as it should.
    pub async fn terminate(&self, number: usize) -> Result<(), String> {
        let Some(host) = self.take(number).await else { return Ok(()) };
        match host.terminate().await {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(format!("host {number} ended with {status} after SIGTERM")),
            None => Err(format!("host {number} did not end after SIGTERM")),
        }
    }

    /// What a host starts with from now on.
    pub fn set_audit(&self, number: usize, audit: Audit) {
        *self.slots[number].audit.write().expect("the kind of audit") = audit;
    }

    /// Starts a host unless it runs.
    ///
    /// # Panics
    /// When it does not start.
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

    /// Resident memory of the largest host, in bytes.
    pub async fn memory(&self) -> u64 {
        let mut most = 0;
        for slot in &self.slots {
            most = most.max(slot.running.lock().await.as_ref().map_or(0, Host::memory));
        }
        most
    }

    /// Process ids of what runs.
    pub async fn pids(&self) -> Vec<u32> {
        let mut pids = Vec::new();
        for slot in &self.slots {
            pids.extend(slot.running.lock().await.as_ref().and_then(Host::pid));
        }
        pids
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
        Audit::Sound => {}
        Audit::Trapping => manifest.probe_as_audit("trap"),
        Audit::Hanging => manifest.probe_as_audit("hang"),
        Audit::Failing => manifest.probe_as_audit("fail"),
        Audit::Refusing => manifest.probe_as_audit("refuse"),
    }
    manifest.write()
}
