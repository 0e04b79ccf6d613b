//! One run: every system in turn, in every round, the order reversed in every second one.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::process::Command;

use crate::database::{Filled, ITEMS};
use crate::load::{self, Workload};
use crate::system::{Kind, Programs, System};
use crate::table::Table;

pub const CONNECTIONS: [usize; 3] = [1, 16, 128];
pub const WORKLOADS: [Workload; 4] = [Workload::Create, Workload::Get, Workload::Page, Workload::Mixed];
pub const LIVE_CONNECTIONS: usize = 16;
/// How often an instance is started to time it.
const STARTS: usize = 2_000;

/// Between the start of a system and a look at what it holds when idle.
const REST: Duration = Duration::from_secs(2);

pub struct Plan {
    pub kinds: Vec<Kind>,
    pub rounds: usize,
    pub time: Duration,
}

/// What one row of the table is about.
pub fn row(workload: Workload, connections: usize) -> String {
    format!("{}, {connections} connection{}", workload.name(), if connections == 1 { "" } else { "s" })
}

pub async fn run(plan: &Plan, programs: &Programs, filled: &Filled) -> anyhow::Result<Table> {
    let mut table = Table::default();
    // The first start compiles the components into the cache on disk.
    for kind in &plan.kinds {
        System::start(*kind, programs, &filled.database).await?.stop().await?;
    }
    for round in 0..plan.rounds {
        table.add("pgbench", "create", "rate", filled.limit(plan.time).await?);
        let mut kinds = plan.kinds.clone();
        if round % 2 == 1 {
            kinds.reverse();
        }
        for kind in kinds {
            eprintln!("round {} of {}: {}", round + 1, plan.rounds, kind.name());
            let measured = one(kind, plan, programs, filled, &mut table).await;
            measured.with_context(|| format!("measuring {}", kind.name()))?;
        }
        table.add("embedded host", "instance", "µs", instance_start(programs, filled).await?);
    }
    Ok(table)
}

async fn one(kind: Kind, plan: &Plan, programs: &Programs, filled: &Filled, table: &mut Table) -> anyhow::Result<()> {
    let name = kind.name();
    filled.tidy().await?;
    let last_event = filled.last_event().await?;
    let system = System::start(kind, programs, &filled.database).await?;
    table.add(name, "start to first 201", "ms", milliseconds(system.cold_start));
    // What starting took is given back within moments.
    tokio::time::sleep(REST).await;
    table.add(name, "idle", "MiB", mebibytes(system.memory()));

    whole_list(&system, name, table).await?;
    // Sessions, prepared statements and warm slots.
    load::run(&system.url, Workload::Mixed, ITEMS, 16, Duration::from_secs(1)).await?;
    for connections in CONNECTIONS {
        for workload in WORKLOADS {
            sample(&system, name, filled, workload, connections, plan.time, table).await?;
        }
    }
    table.add(name, "busy", "MiB", mebibytes(system.peak_memory()));
    let (p50, p99) = tokio::select! {
        delays = filled.audited(last_event) => delays?,
        never = probe(&system.url) => match never {},
    };
    table.add(name, "until audited", "p50 ms", milliseconds(p50));
    table.add(name, "until audited", "p99 ms", milliseconds(p99));
    // With nothing left to relay beside it.
    sample(&system, name, filled, Workload::Live, LIVE_CONNECTIONS, plan.time, table).await?;
    system.stop().await
}

async fn sample(
    system: &System,
    name: &'static str,
    filled: &Filled,
    workload: Workload,
    connections: usize,
    time: Duration,
    table: &mut Table,
) -> anyhow::Result<()> {
    let (own, server) = (system.cpu(), filled.cpu()?);
    let answered = load::run(&system.url, workload, ITEMS, connections, time).await?;
    let per_request = |spent: Duration| spent.as_secs_f64() * 1e6 / answered.requests as f64;
    let row = row(workload, connections);
    table.add(name, &row, "rate", answered.requests as f64 / answered.elapsed.as_secs_f64());
    table.add(name, &row, "p50 ms", milliseconds(answered.p50));
    table.add(name, &row, "p99 ms", milliseconds(answered.p99));
    table.add(name, &row, "CPU µs", per_request(system.cpu().saturating_sub(own)));
    table.add(name, &row, "PostgreSQL µs", per_request(filled.cpu()?.saturating_sub(server)));
    Ok(())
}

/// Asks for readiness every second, as a cluster does: a system that has nothing else to do relays in those requests.
pub async fn probe(url: &str) -> std::convert::Infallible {
    loop {
        let _ = reqwest::get(format!("{url}/readyz")).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// All items in one answer.
async fn whole_list(system: &System, name: &'static str, table: &mut Table) -> anyhow::Result<()> {
    let before = system.peak_memory();
    let begun = Instant::now();
    let answer = reqwest::get(format!("{}/items", system.url)).await?.error_for_status()?;
    let items: Vec<serde::de::IgnoredAny> = serde_json::from_slice(&answer.bytes().await?)?;
    let elapsed = begun.elapsed();
    ensure!(items.len() as i64 > ITEMS, "the whole list has {} items", items.len());
    table.add(name, "whole list", "items/s", items.len() as f64 / elapsed.as_secs_f64());
    table.add(name, "whole list", "MiB more", mebibytes(system.peak_memory().saturating_sub(before)));
    Ok(())
}

/// Microseconds that one instance of items takes to start.
async fn instance_start(programs: &Programs, filled: &Filled) -> anyhow::Result<f64> {
    let mut command = Command::new(programs.release.join("host"));
    command.arg("--from").arg(&programs.root).args(["--listen", "127.0.0.1:0"]);
    command.args(["--time-starts", &STARTS.to_string()]);
    let output = command.envs(crate::system::variables(&filled.database)).output().await?;
    let text = String::from_utf8_lossy(&output.stdout);
    let items = text.lines().find_map(|line| line.strip_prefix("items: ")?.strip_suffix(" µs")?.parse().ok());
    items.with_context(|| format!("the host says {text}{}", String::from_utf8_lossy(&output.stderr)))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
