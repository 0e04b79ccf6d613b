//! Whether the application slows down as its data grows: the same load over databases of several sizes, and with old
//! snapshots.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context;
use stack::Role;
use tokio::process::{Child, Command};

use crate::database::Filled;
use crate::load::{self, Workload};
use crate::machine::Machine;
use crate::measure::{Plan, probed};
use crate::system::{Kind, Programs, System, free_address};
use crate::table::{Table, Values};

/// Items, and as many events in the trail, of each database.
const SIZES: [i64; 3] = [1_000, 100_000, 10_000_000];
const WORKLOADS: [Workload; 3] = [Workload::Create, Workload::Get, Workload::Page];
const CONNECTIONS: usize = 16;
/// Load between an old snapshot and the measurement: the rows that it deletes cannot be cleaned up.
const AGEING: Duration = Duration::from_secs(30);
/// Scrapes of the sidecar per round.
const SCRAPES: usize = 5;

/// The store that all others are compared with in the same round, because the speed of a machine changes.
const YARDSTICK: &str = "yardstick";

/// The application over a database of one size.
struct Store {
    size: i64,
    name: String,
    filled: Filled,
    system: System,
    scraped: Scraped,
}

impl Store {
    async fn open(size: i64, name: &str, programs: &Programs, server: &Filled, schema: &Path) -> anyhow::Result<Self> {
        eprintln!("filling a database with {size} items and events");
        let filled = server.beside(&format!("items_{name}"), schema).await?;
        filled.fill(size).await?;
        let system = System::start(Kind::Embedded, programs, &filled.database).await?;
        let scraped = Scraped::start(programs, &filled)?;
        let store = Self { size, name: name.to_owned(), filled, system, scraped };
        store.load(Workload::Mixed, Duration::from_secs(2)).await?;
        Ok(store)
    }

    async fn load(&self, workload: Workload, time: Duration) -> anyhow::Result<f64> {
        let summary = load::run(&self.system.url, workload, self.size, CONNECTIONS, time).await?;
        Ok(summary.requests as f64 / summary.elapsed.as_secs_f64())
    }
}

/// Measures every size, first without and then with an old snapshot.
pub async fn run(plan: &Plan, programs: &Programs, server: &Filled, schema: &Path) -> anyhow::Result<Table> {
    let mut table = Table::default();
    let mut stores = vec![Store::open(SIZES[0], YARDSTICK, programs, server, schema).await?];
    for size in SIZES {
        stores.push(Store::open(size, &size.to_string(), programs, server, schema).await?);
    }
    rounds("", plan, &stores, &mut table).await?;
    let mut snapshots = Vec::new();
    for store in stores.iter().filter(|store| store.name != YARDSTICK) {
        snapshots.push(store.filled.hold_snapshot().await?);
        store.load(Workload::Mixed, AGEING).await?;
    }
    rounds(OLD, plan, &stores, &mut table).await?;
    drop(snapshots);
    for store in stores {
        store.system.stop().await?;
    }
    Ok(table)
}

/// The end of the names of rows with an old snapshot.
const OLD: &str = ", old snapshot";

async fn rounds(state: &str, plan: &Plan, stores: &[Store], table: &mut Table) -> anyhow::Result<()> {
    for round in 0..plan.rounds {
        eprintln!("round {} of {}{state}", round + 1, plan.rounds);
        let mut order: Vec<_> = stores.iter().collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for store in order {
            sample(&format!("{}{state}", store.name), plan, store, table).await?;
        }
    }
    Ok(())
}

async fn sample(row: &str, plan: &Plan, store: &Store, table: &mut Table) -> anyhow::Result<()> {
    let last_event = store.filled.last_event().await?;
    for workload in WORKLOADS {
        table.add(workload.name(), row, "rate", store.load(workload, plan.time).await?);
    }
    probed(&store.system.url, store.filled.drained()).await?;
    table.add("until audited", row, "ms", store.filled.trail(last_event).await?.p50.as_secs_f64() * 1e3);
    for _ in 0..SCRAPES {
        table.add("scrape", row, "ms", store.scraped.time().await?.as_secs_f64() * 1e3);
    }
    Ok(())
}

/// The content of `GROWTH.md`.
pub fn write(table: &Table, plan: &Plan, machine: &Machine) -> String {
    let mut text = format!(
        "# Growth\n\nWritten by `make bench-growth`: the embedded host over this many items and as many events in the trail; \
         {CONNECTIONS} connections. All databases and hosts run at once, and the load goes to one after another. With an old \
         snapshot, rows deleted in the last {} s or more could not be cleaned up. Rates are per second, median (least-most); \
         × is the ratio to a second database with {} items, without a snapshot, in the same round. *Until audited* is the \
         median time from an operation to its row in the trail.\n\n{}.\n\n{machine}- shared_buffers: a quarter of the memory, \
         with the items in it\n- {} rounds of {} s\n\n\
         | | create | × | get | × | page | × | until audited, ms | scrape, ms |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        AGEING.as_secs(),
        SIZES[0],
        conclusion(table),
        plan.rounds,
        plan.time.as_secs(),
    );
    for (size, state) in SIZES.into_iter().flat_map(|size| [(size, ""), (size, OLD)]) {
        let row = format!("{size}{state}");
        let _ = write!(text, "| {row} |");
        for workload in WORKLOADS {
            let _ = write!(
                text,
                " {} | {} |",
                rate(table, workload, &row).shown(),
                ratio(table, workload, size, state).shown()
            );
        }
        for measured in ["until audited", "scrape"] {
            let _ = write!(text, " {} |", table.get(measured, &row, "ms").map(Values::shown).unwrap_or_default());
        }
        text.push('\n');
    }
    text
}

fn rate(table: &Table, workload: Workload, row: &str) -> Values {
    table.get(workload.name(), row, "rate").cloned().unwrap_or_default()
}

/// The rates over `size` items, compared in each round with those of the yardstick.
fn ratio(table: &Table, workload: Workload, size: i64, state: &str) -> Values {
    let yardstick = rate(table, workload, &format!("{YARDSTICK}{state}"));
    rate(table, workload, &format!("{size}{state}")).times(&yardstick)
}

/// Whether the rates fall as the data grows, and how much of that is noise.
fn conclusion(table: &Table) -> String {
    let range = |sizes: &[i64]| {
        let rows = sizes.iter().flat_map(|size| [(*size, ""), (*size, OLD)]);
        let medians = rows.flat_map(|(size, state)| WORKLOADS.map(|work| ratio(table, work, size, state).median()));
        let medians: Values = medians.collect();
        format!("{:.2} and {:.2}", medians.least(), medians.most())
    };
    let (same, larger) = (range(&SIZES[..1]), range(&SIZES[1..]));
    format!(
        "The medians of the ratios are between {larger} for the larger databases, and between {same} for the one of the \
         second database's own size, which shows the noise"
    )
}

/// A sidecar over a store's database.
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
        let start = Instant::now();
        let text = reqwest::get(&self.url).await?.error_for_status()?.text().await?;
        anyhow::ensure!(text.contains("audit_outbox_events "), "the sidecar does not read the database: {text}");
        Ok(start.elapsed())
    }
}
