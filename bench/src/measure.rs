//! The comparison of systems. In each round and for each number of connections, every system runs alone, in reversed
//! order in every second round.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::database::{Filled, ITEMS};
use crate::load::{self, Summary, Workload};
use crate::same;
use crate::system::{Kind, Programs, System};
use crate::table::{self, Table};

/// Numbers of connections.
pub const CONNECTIONS: [usize; 3] = [1, 16, 128];
/// Workloads, in the order of the table.
pub const WORKLOADS: [Workload; 6] =
    [Workload::Livez, Workload::Readyz, Workload::Create, Workload::Get, Workload::Page, Workload::Mixed];
/// Those of them that the targets are about.
pub const OPERATIONS: [Workload; 3] = [Workload::Create, Workload::Get, Workload::Page];
/// The row of the trail.
pub const TRAIL: &str = "trail";
/// Events that wait when the rate of the relay is measured.
const BACKLOG: i64 = 20_000;

/// The pause between the start of a system and the measurement of its memory when idle.
const REST: Duration = Duration::from_secs(1);

/// How to measure.
pub struct Plan {
    /// The systems, in the order of the table.
    pub kinds: Vec<Kind>,
    /// How often each measurement is repeated.
    pub rounds: usize,
    /// How long one measurement takes.
    pub time: Duration,
}

/// Measures every system of the plan, after checking that all give the same responses.
pub async fn run(plan: &Plan, programs: &Programs, filled: &Filled) -> anyhow::Result<Table> {
    let mut table = Table::default();
    let mut twin = None;
    // The first start also compiles the components into the cache on disk.
    for kind in &plan.kinds {
        let system = System::start(*kind, programs, &filled.database).await?;
        if *kind != Kind::Select {
            let responses = same::responses(&system.url).await?;
            same::compare(kind.name(), &responses, twin.get_or_insert(responses.clone()))?;
        }
        system.stop().await?;
    }
    let begun = Instant::now();
    for round in 0..plan.rounds {
        for connections in CONNECTIONS {
            let minutes = begun.elapsed().as_secs() / 60;
            eprintln!("round {} of {}, {connections} connections ({minutes} min)", round + 1, plan.rounds);
            for workload in OPERATIONS {
                filled.limit(workload, connections, plan.time, &mut table).await?;
            }
            let mut kinds = plan.kinds.clone();
            if round % 2 == 1 {
                kinds.reverse();
            }
            for kind in kinds {
                let measured = one(kind, connections, plan, programs, filled, &mut table).await;
                measured.with_context(|| format!("measuring {}", kind.name()))?;
            }
        }
    }
    Ok(table)
}

async fn one(
    kind: Kind,
    connections: usize,
    plan: &Plan,
    programs: &Programs,
    filled: &Filled,
    table: &mut Table,
) -> anyhow::Result<()> {
    filled.tidy().await?;
    let last_event = filled.last_event().await?;
    let system = System::start(kind, programs, &filled.database).await?;
    let mut run = Run { kind, system: &system, connections, time: plan.time, filled, table, events: 1, unsure: 0 };
    if kind == Kind::Select {
        run.load(Workload::Select, Duration::from_secs(1)).await?;
        run.sample(Workload::Select).await?;
        return system.stop().await;
    }
    run.note("start", "ms", milliseconds(system.cold_start));
    // Memory used only for starting is returned soon.
    tokio::time::sleep(REST).await;
    run.note("idle", "MiB", mebibytes(system.memory()));
    // Opens sessions, prepares statements and fills pools.
    run.load(Workload::Mixed, Duration::from_secs(1)).await?;
    for workload in WORKLOADS {
        run.sample(workload).await?;
    }
    run.trail(last_event).await?;
    system.stop().await
}

/// One system under one number of connections.
struct Run<'a> {
    kind: Kind,
    system: &'a System,
    connections: usize,
    time: Duration,
    filled: &'a Filled,
    table: &'a mut Table,
    /// Operations that were answered: each is an event.
    events: u64,
    /// Operations that the load gave up, answered or not.
    unsure: u64,
}

impl Run<'_> {
    fn note(&mut self, row: &str, measure: &'static str, value: f64) {
        self.table.add(self.kind.name(), &table::row(row, self.connections), measure, value);
    }

    async fn load(&mut self, workload: Workload, time: Duration) -> anyhow::Result<Summary> {
        let summary = load::run(&self.system.url, workload, ITEMS, self.connections, time).await?;
        if workload.is_audited() {
            self.events += summary.requests;
            self.unsure += self.connections as u64;
        }
        Ok(summary)
    }

    async fn sample(&mut self, workload: Workload) -> anyhow::Result<()> {
        if self.kind != Kind::Select {
            probed(&self.system.url, self.filled.settled()).await?;
        }
        self.system.reset_peak_memory();
        let (own, server) = (self.system.cpu(), self.filled.cpu()?);
        let summary = self.load(workload, self.time).await?;
        let per_request = |spent: Duration| spent.as_secs_f64() * 1e6 / summary.requests as f64;
        let (own, server) = (self.system.cpu().saturating_sub(own), self.filled.cpu()?.saturating_sub(server));
        let name = workload.name();
        self.note(name, "rate", summary.requests as f64 / summary.elapsed.as_secs_f64());
        self.note(name, "p50 ms", milliseconds(summary.p50));
        self.note(name, "p99 ms", milliseconds(summary.p99));
        self.note(name, "CPU µs", per_request(own));
        self.note(name, "PostgreSQL µs", per_request(server));
        self.note(name, "MiB", mebibytes(self.system.peak_memory()));
        Ok(())
    }

    /// Waits until the trail has every operation, checks that it has no more, and measures how fast the relay is.
    async fn trail(&mut self, last_event: i64) -> anyhow::Result<()> {
        probed(&self.system.url, self.filled.settled()).await?;
        let trail = self.filled.trail(last_event).await?;
        let answered = self.events..=self.events + self.unsure;
        ensure!(answered.contains(&trail.events), "the trail has {} events of {answered:?} operations", trail.events);
        let (items, creates) = (self.filled.created().await?, trail.created);
        ensure!(items == creates, "the trail has {creates} creates of {items} items");
        self.note(TRAIL, "p50 ms", milliseconds(trail.p50));
        self.note(TRAIL, "p99 ms", milliseconds(trail.p99));
        self.filled.fill_outbox(BACKLOG).await?;
        let (own, server, begun) = (self.system.cpu(), self.filled.cpu()?, Instant::now());
        probed(&self.system.url, self.filled.drained()).await?;
        let per_event = |spent: Duration| spent.as_secs_f64() * 1e6 / BACKLOG as f64;
        self.note(TRAIL, "rate", BACKLOG as f64 / begun.elapsed().as_secs_f64());
        self.note(TRAIL, "CPU µs", per_event(self.system.cpu().saturating_sub(own)));
        self.note(TRAIL, "PostgreSQL µs", per_event(self.filled.cpu()?.saturating_sub(server)));
        Ok(())
    }
}

/// Asks `/readyz` several times a second while it waits, for an idle system relays after these requests.
pub async fn probed<T>(url: &str, wait: impl Future<Output = T>) -> T {
    let probe = async {
        loop {
            let _ = reqwest::get(format!("{url}/readyz")).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! { done = wait => done, never = probe => never }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
