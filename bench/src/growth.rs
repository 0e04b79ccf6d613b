//! Whether anything grows with what is stored: the same load over little and much, and beside an old snapshot.

use std::fmt::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context;
use stack::Role;
use tokio::process::{Child, Command};

use crate::database::Filled;
use crate::load::{self, Workload};
use crate::machine::Machine;
use crate::measure::{Plan, probe};
use crate::system::{Kind, Programs, System, free_address};
use crate::table::{Table, Values};

/// Items, and as many events in the trail.
const SIZES: [i64; 3] = [1_000, 100_000, 10_000_000];
const WORKLOADS: [Workload; 3] = [Workload::Create, Workload::Get, Workload::Page];
const CONNECTIONS: usize = 16;
/// Load under an old snapshot before anything is measured there: what it leaves cannot be cleaned away.
const AGEING: Duration = Duration::from_secs(30);
const SCRAPES: usize = 5;

pub async fn run(plan: &Plan, programs: &Programs, filled: &Filled) -> anyhow::Result<Table> {
    let mut table = Table::default();
    for size in SIZES {
        eprintln!("{size} items and events");
        filled.fill(size).await?;
        let system = System::start(Kind::Embedded, programs, &filled.database).await?;
        let scraped = Scraped::start(programs, filled)?;
        load::run(&system.url, Workload::Mixed, size, CONNECTIONS, Duration::from_secs(2)).await?;
        sample(&format!("{size}"), size, plan, filled, &system, &scraped, &mut table).await?;
        let snapshot = filled.hold_snapshot().await?;
        load::run(&system.url, Workload::Mixed, size, CONNECTIONS, AGEING).await?;
        sample(&format!("{size}, old snapshot"), size, plan, filled, &system, &scraped, &mut table).await?;
        drop(snapshot);
        system.stop().await?;
    }
    Ok(table)
}

async fn sample(
    row: &str,
    size: i64,
    plan: &Plan,
    filled: &Filled,
    system: &System,
    scraped: &Scraped,
    table: &mut Table,
) -> anyhow::Result<()> {
    for _ in 0..plan.rounds {
        let last_event = filled.last_event().await?;
        for workload in WORKLOADS {
            let answered = load::run(&system.url, workload, size, CONNECTIONS, plan.time).await?;
            table.add(workload.name(), row, "rate", answered.requests as f64 / answered.elapsed.as_secs_f64());
        }
        let (p50, _) = tokio::select! {
            delays = filled.audited(last_event) => delays?,
            never = probe(&system.url) => match never {},
        };
        table.add("until audited", row, "p50 ms", p50.as_secs_f64() * 1e3);
        for _ in 0..SCRAPES {
            table.add("scrape", row, "ms", scraped.time().await?.as_secs_f64() * 1e3);
        }
    }
    Ok(())
}

pub fn write(table: &Table, plan: &Plan, machine: &Machine) -> String {
    let mut text = format!(
        "# Growth\n\nWritten by `make bench-growth`: the embedded host with so many items, and as many events in the trail; {CONNECTIONS} \
         connections. Beside an old snapshot nothing of the {} s before could be cleaned away. Median (least-most).\n\n{machine}\
         - {} rounds of {} s\n\n| | create/s | get/s | page/s | until audited, ms | scrape, ms |\n|---|--:|--:|--:|--:|--:|\n",
        AGEING.as_secs(),
        plan.rounds,
        plan.time.as_secs(),
    );
    let columns =
        [("create", "rate"), ("get", "rate"), ("page", "rate"), ("until audited", "p50 ms"), ("scrape", "ms")];
    for row in SIZES.into_iter().flat_map(|size| [format!("{size}"), format!("{size}, old snapshot")]) {
        let cells =
            columns.map(|(what, measure)| table.get(what, &row, measure).map(Values::shown).unwrap_or_default());
        let _ = writeln!(text, "| {row} | {} |", cells.join(" | "));
    }
    text
}

/// A sidecar over the same database.
struct Scraped {
    url: String,
    _process: Child,
}

impl Scraped {
    fn start(programs: &Programs, filled: &Filled) -> anyhow::Result<Self> {
        let metrics = free_address()?;
        let process = Command::new(programs.release.join("sidecar"))
            .args(["--metrics-listen", &metrics.to_string(), "--otlp-listen", &free_address()?.to_string()])
            .env("SIDECAR_DATABASE_URL", filled.database.address(Role::Metrics).url())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("cannot run the sidecar")?;
        Ok(Self { url: format!("http://{metrics}/metrics"), _process: process })
    }

    async fn time(&self) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let text = reqwest::get(&self.url).await?.error_for_status()?.text().await?;
        anyhow::ensure!(text.contains("audit_outbox_events "), "the sidecar does not read the database: {text}");
        Ok(begun.elapsed())
    }
}
