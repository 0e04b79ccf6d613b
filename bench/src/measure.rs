//! The comparison of systems: each in turn in every round, in reversed order in every second one.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::process::Command;

use crate::database::{Filled, ITEMS};
use crate::load::{self, Workload};
use crate::system::{Kind, Programs, System};
use crate::table::Table;

/// Numbers of connections of each workload but `live`.
pub const CONNECTIONS: [usize; 3] = [1, 16, 128];
/// Workloads that use the database.
pub const WORKLOADS: [Workload; 4] = [Workload::Create, Workload::Get, Workload::Page, Workload::Mixed];
/// Connections of the workload `live`.
pub const LIVE_CONNECTIONS: usize = 16;
/// Instances started to measure how long one takes.
const STARTS: usize = 2_000;

/// The pause between the start of a system and the measurement of its memory when idle.
const REST: Duration = Duration::from_secs(2);

/// How to measure.
pub struct Plan {
    /// The systems, in the order of the tables.
    pub kinds: Vec<Kind>,
    /// How often each measurement is repeated.
    pub rounds: usize,
    /// How long one measurement takes.
    pub time: Duration,
}

/// The name of a row of the table.
pub fn row(workload: Workload, connections: usize) -> String {
    format!("{}, {connections} connection{}", workload.name(), if connections == 1 { "" } else { "s" })
}

/// Measures every system of the plan.
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
    // Memory used only for starting is returned soon.
    tokio::time::sleep(REST).await;
    table.add(name, "idle", "MiB", mebibytes(system.memory()));

    full_list(&system, name, table).await?;
    // Opens sessions, prepares statements and fills pools.
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
    // Last, when no event is left to relay.
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
    let summary = load::run(&system.url, workload, ITEMS, connections, time).await?;
    let per_request = |spent: Duration| spent.as_secs_f64() * 1e6 / summary.requests as f64;
    let row = row(workload, connections);
    table.add(name, &row, "rate", summary.requests as f64 / summary.elapsed.as_secs_f64());
    table.add(name, &row, "p50 ms", milliseconds(summary.p50));
    table.add(name, &row, "p99 ms", milliseconds(summary.p99));
    table.add(name, &row, "CPU µs", per_request(system.cpu().saturating_sub(own)));
    table.add(name, &row, "PostgreSQL µs", per_request(filled.cpu()?.saturating_sub(server)));
    Ok(())
}

/// Asks `/readyz` every second, as a cluster does: an idle system relays after these requests. Never returns.
pub async fn probe(url: &str) -> std::convert::Infallible {
    loop {
        let _ = reqwest::get(format!("{url}/readyz")).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Measures `GET /items` of all items.
async fn full_list(system: &System, name: &'static str, table: &mut Table) -> anyhow::Result<()> {
    let before = system.peak_memory();
    let start = Instant::now();
    let response = reqwest::get(format!("{}/items", system.url)).await?.error_for_status()?;
    let items: Vec<serde::de::IgnoredAny> = serde_json::from_slice(&response.bytes().await?)?;
    let elapsed = start.elapsed();
    ensure!(items.len() as i64 > ITEMS, "the full list has {} items", items.len());
    table.add(name, "full list", "items/s", items.len() as f64 / elapsed.as_secs_f64());
    table.add(name, "full list", "MiB more", mebibytes(system.peak_memory().saturating_sub(before)));
    Ok(())
}

/// Microseconds that the host needs to start one instance of items.
async fn instance_start(programs: &Programs, filled: &Filled) -> anyhow::Result<f64> {
    let mut command = Command::new(programs.release.join("host"));
    command.arg("--from").arg(&programs.root).args(["--listen", "127.0.0.1:0"]);
    command.args(["--time-starts", &STARTS.to_string()]);
    let output = command.envs(filled.database.environment()).output().await?;
    let text = String::from_utf8_lossy(&output.stdout);
    let items = text.lines().find_map(|line| line.strip_prefix("items: ")?.strip_suffix(" µs")?.parse().ok());
    items.with_context(|| format!("the host printed {text}{}", String::from_utf8_lossy(&output.stderr)))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
