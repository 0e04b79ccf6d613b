//! The sidecar as a process, which receives the hosts' spans.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use stack::Database;
use support::Role;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use crate::host::program;
use crate::proxy::free_port;

/// Where it listens, and the process while it runs.
pub struct Sidecar {
    running: Mutex<Option<Child>>,
    metrics: String,
    otlp: String,
    url: String,
    log: PathBuf,
}

impl Sidecar {
    pub async fn start(database: &Database, logs: &Path) -> Sidecar {
        let address = || format!("127.0.0.1:{}", free_port());
        let (metrics, otlp) = (address(), address());
        let (url, log) = (database.address(Role::Metrics).url(), logs.join("sidecar.log"));
        let sidecar = Sidecar { running: Mutex::new(None), metrics, otlp, url, log };
        sidecar.ensure_running().await;
        sidecar
    }

    /// The variable that makes a host send its spans here.
    pub fn environment(&self) -> (String, String) {
        ("OTEL_EXPORTER_OTLP_ENDPOINT".into(), format!("http://{}", self.otlp))
    }

    /// Ends it with SIGKILL.
    pub async fn kill(&self) {
        if let Some(mut child) = self.running.lock().await.take() {
            let _ = child.kill().await;
        }
    }

    /// Starts it unless it runs.
    pub async fn ensure_running(&self) {
        let mut running = self.running.lock().await;
        if running.is_some() {
            return;
        }
        let log = File::options().create(true).append(true).open(&self.log).expect("open the sidecar's log");
        let mut command = Command::new(program("sidecar"));
        command.arg("--end-with-stdin").stdin(Stdio::piped()).stdout(log.try_clone().expect("duplicate the log"));
        command.env("SIDECAR_METRICS_LISTEN", &self.metrics).env("SIDECAR_OTLP_LISTEN", &self.otlp);
        command.env("SIDECAR_DATABASE_URL", &self.url).stderr(log).kill_on_drop(true);
        *running = Some(command.spawn().expect("start the sidecar"));
    }

    pub async fn pid(&self) -> Option<u32> {
        self.running.lock().await.as_ref().and_then(Child::id)
    }
}
