//! The measured systems, each over the same database.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use reqwest::{Client, StatusCode};
use serde_json::json;
use stack::{Database, Role};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::usage;

const START_DEADLINE: Duration = Duration::from_secs(60);
const STOP_DEADLINE: Duration = Duration::from_secs(40);

/// A system that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// This application on the embedded host.
    Embedded,
    /// The native twin, two processes.
    Twin,
    /// This application on Spin, the `spin` on PATH.
    Spin,
    /// `bench/select` on Spin.
    Select,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded host",
            Self::Twin => "twin",
            Self::Spin | Self::Select => "spin",
        }
    }
}

/// The folders of the programs.
pub struct Programs {
    /// The folder of `spin.toml`.
    pub root: PathBuf,
    /// The folder of the release build, with host, sidecar and twin.
    pub release: PathBuf,
}

/// A running system. Its processes end when it is dropped.
pub struct System {
    /// Where it listens, without a final slash.
    pub url: String,
    /// From starting it to its first 201.
    pub cold_start: Duration,
    processes: Vec<Child>,
}

impl System {
    /// Starts it and waits for its first created item, of `bench/select` for its first response.
    pub async fn start(kind: Kind, programs: &Programs, database: &Database) -> anyhow::Result<Self> {
        let listen = free_address()?;
        let begun = Instant::now();
        let processes = match kind {
            Kind::Embedded => {
                let mut command = Command::new(programs.release.join("host"));
                command.arg("--from").arg(&programs.root).args(["--listen", &listen.to_string()]);
                vec![spawn(command.envs(database.environment()))?]
            }
            Kind::Spin => vec![spin(&programs.root, listen, database)?],
            Kind::Select => vec![spin(&programs.root.join("bench/select"), listen, database)?],
            Kind::Twin => {
                let audit = free_address()?;
                let mut items = twin(programs, database, Role::Items, listen);
                items.args(["items", "--audit", &format!("http://{audit}")]);
                let audit = spawn(twin(programs, database, Role::Audit, audit).arg("audit"))?;
                // Stopped in this order: items relays until it ends.
                vec![spawn(&mut items)?, audit]
            }
        };
        let url = format!("http://{listen}");
        let first = timeout(START_DEADLINE, async {
            if kind == Kind::Select { answered(&url).await } else { first_item(&url).await }
        });
        first.await.with_context(|| {
            format!("{}: no response within {START_DEADLINE:?}; fix: run it by hand and read its errors", kind.name())
        })??;
        Ok(Self { url, cold_start: begun.elapsed(), processes })
    }

    /// The processor time that it has used.
    pub fn cpu(&self) -> Duration {
        self.pids().map(usage::cpu).sum()
    }

    /// Begins another peak of memory.
    pub fn reset_peak_memory(&self) {
        self.pids().for_each(usage::reset_peak_memory);
    }

    /// Its peak of memory since then, in bytes.
    pub fn peak_memory(&self) -> u64 {
        self.pids().map(usage::peak_memory).sum()
    }

    /// The memory that it uses now, in bytes.
    pub fn memory(&self) -> u64 {
        self.pids().map(usage::memory).sum()
    }

    /// Sends SIGTERM and waits for the end.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        for process in &mut self.processes {
            let pid = process.id().and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed()));
            let pid = pid.context("a measured process had ended before")?;
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
            timeout(STOP_DEADLINE, process.wait()).await.context("a measured process does not stop")??;
        }
        Ok(())
    }

    fn pids(&self) -> impl Iterator<Item = u32> {
        self.processes.iter().filter_map(Child::id)
    }
}

fn twin(programs: &Programs, database: &Database, role: Role, listen: SocketAddr) -> Command {
    let mut command = Command::new(programs.release.join("twin"));
    command.env("TWIN_DATABASE_URL", database.address(role).url()).args(["--listen", &listen.to_string()]);
    command
}

fn spin(folder: &Path, listen: SocketAddr, database: &Database) -> anyhow::Result<Child> {
    let mut command = Command::new("spin");
    command.args(["up", "--quiet", "--from"]).arg(folder.join("spin.toml")).args(["--listen", &listen.to_string()]);
    // No files of its own.
    command.args(["--state-dir=", "--log-dir="]);
    spawn(command.envs(database.environment()))
}

/// Starts a program whose log lines are written, as in production, but discarded: Spin writes those of components to
/// stderr. Without exporters of spans, and without RUST_BACKTRACE: with it Spin captures backtraces in each request, which
/// costs it a fifth of its rate.
fn spawn(command: &mut Command) -> anyhow::Result<Child> {
    let program = Path::new(command.as_std().get_program()).to_owned();
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("OTEL_") || name.ends_with("_BACKTRACE")) {
            command.env_remove(name);
        }
    }
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn();
    child.with_context(|| format!("cannot run {}", program.display()))
}

/// Whether `spin` is on PATH.
pub fn has_spin() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join("spin").is_file())
}

async fn answered(url: &str) -> anyhow::Result<()> {
    while !reqwest::get(format!("{url}/select")).await.is_ok_and(|response| response.status().is_success()) {
        sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

async fn first_item(url: &str) -> anyhow::Result<()> {
    let client = Client::new();
    loop {
        match client.post(format!("{url}/items")).json(&json!({ "name": "first" })).send().await {
            Ok(response) if response.status() == StatusCode::CREATED => return Ok(()),
            Ok(response) if response.status().is_client_error() => bail!("{url} answers {}", response.status()),
            _ => sleep(Duration::from_millis(2)).await,
        }
    }
}

/// A free port.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
