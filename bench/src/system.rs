//! The measured systems, each over the same database.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use reqwest::{Client, StatusCode};
use serde_json::json;
use stack::Database;
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
    /// The native reference, two processes.
    Native,
    /// This application on Spin, the `spin` on PATH.
    Spin,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded host",
            Self::Native => "native",
            Self::Spin => "spin",
        }
    }
}

/// The folders of the programs.
pub struct Programs {
    /// The folder of `spin.toml`.
    pub root: PathBuf,
    /// The folder of the release build, with host, sidecar and reference.
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
    /// Starts it and waits for its first created item.
    pub async fn start(kind: Kind, programs: &Programs, database: &Database) -> anyhow::Result<Self> {
        let listen = free_address()?;
        let begun = Instant::now();
        let mut processes = Vec::new();
        match kind {
            Kind::Embedded => {
                let mut command = Command::new(programs.release.join("host"));
                command.arg("--from").arg(&programs.root).args(["--listen", &listen.to_string()]);
                processes.push(spawn(command.envs(database.environment()))?);
            }
            Kind::Spin => {
                let mut command = Command::new("spin");
                command.args(["up", "--quiet", "--from"]).arg(programs.root.join("spin.toml"));
                command.args(["--listen", &listen.to_string()]);
                processes.push(spawn(command.envs(database.environment()))?);
            }
            Kind::Native => {
                let audit = free_address()?;
                processes.push(spawn(reference(programs, database, audit).arg("audit"))?);
                let mut items = reference(programs, database, listen);
                processes.push(spawn(items.args(["items", "--audit", &format!("http://{audit}")]))?);
            }
        }
        let url = format!("http://{listen}");
        let first = timeout(START_DEADLINE, first_item(&url));
        first.await.with_context(|| format!("{}: no item within {START_DEADLINE:?}", kind.name()))??;
        Ok(Self { url, cold_start: begun.elapsed(), processes })
    }

    /// The processor time that it has used.
    pub fn cpu(&self) -> Duration {
        self.pids().map(usage::cpu).sum()
    }

    /// Its peak of memory so far, in bytes.
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

fn reference(programs: &Programs, database: &Database, listen: SocketAddr) -> Command {
    let mut command = Command::new(programs.release.join("reference"));
    command.env("REFERENCE_DATABASE_URL", database.admin().url()).args(["--listen", &listen.to_string()]);
    command
}

/// Starts a program whose log lines are written, as in production, but discarded.
fn spawn(command: &mut Command) -> anyhow::Result<Child> {
    let program = Path::new(command.as_std().get_program()).to_owned();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).spawn();
    child.with_context(|| format!("cannot run {}", program.display()))
}

/// The systems to compare: Spin only where it is on PATH, which is reported unless `growth` alone is measured.
pub fn kinds(growth: bool) -> Vec<Kind> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut kinds = vec![Kind::Native, Kind::Embedded];
    if std::env::split_paths(&path).any(|folder| folder.join("spin").is_file()) {
        kinds.push(Kind::Spin);
    } else if !growth {
        eprintln!("There is no spin on PATH: the tables of this run have no column for it");
    }
    kinds
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
