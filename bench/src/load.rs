//! Load from wrk, a process of its own.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::process::Command;

/// The requests of a measurement; see `bench/load.lua`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    Livez,
    Readyz,
    Create,
    Get,
    Page,
    Mixed,
    /// `bench/select` on Spin.
    Select,
}

impl Workload {
    pub fn name(self) -> &'static str {
        match self {
            Self::Livez => "/livez",
            Self::Readyz => "/readyz",
            Self::Create => "create",
            Self::Get => "get",
            Self::Page => "page",
            Self::Mixed => "mixed",
            Self::Select => "/select",
        }
    }

    /// Whether each request is an operation on items.
    pub fn is_audited(self) -> bool {
        matches!(self, Self::Create | Self::Get | Self::Page | Self::Mixed)
    }
}

/// What wrk reports.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    pub requests: u64,
    pub elapsed: Duration,
    pub p50: Duration,
    pub p99: Duration,
}

/// Keeps `connections` busy for `time`, over ids from 1 to `items`.
pub async fn run(
    url: &str,
    workload: Workload,
    items: i64,
    connections: usize,
    time: Duration,
) -> anyhow::Result<Summary> {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("load.lua");
    let output = Command::new("wrk")
        .args(["-t1", "--timeout", "20s"])
        .arg(format!("-c{connections}"))
        .arg(format!("-d{}s", time.as_secs()))
        .arg("-s")
        .arg(script)
        .args([url, "--", workload.name(), &items.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .await
        .context("cannot run wrk; fix: scripts/install-packages.sh wrk:wrk")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line =
        text.lines().find_map(|line| line.strip_prefix("RESULT ")).with_context(|| format!("wrk printed {text}"))?;
    let numbers: Vec<u64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
    let [requests, elapsed, errors, p50, p99] = numbers[..] else { anyhow::bail!("wrk printed {line}") };
    ensure!(errors == 0, "{errors} of {requests} requests failed ({}, {connections} connections)", workload.name());
    let micros = Duration::from_micros;
    Ok(Summary { requests, elapsed: micros(elapsed), p50: micros(p50), p99: micros(p99) })
}
