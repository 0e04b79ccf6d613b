//! `make bench`: measures the application on the embedded host and, if installed, on Spin, and its native twin, in one
//! run over one database, and writes `bench/RESULTS.md`.

mod database;
mod growth;
mod load;
mod machine;
mod measure;
mod pgbench;
mod report;
mod same;
mod system;
mod table;
mod usage;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;

use database::{Filled, ITEMS};
use machine::Machine;
use measure::Plan;
use system::{Kind, Programs};

/// Measure the application and compare it with others.
#[derive(Parser)]
struct Arguments {
    /// Rounds; each figure is the median of this many values. An even number has both orders equally often.
    #[arg(long, env, default_value_t = 6)]
    rounds: usize,
    /// Seconds per measurement.
    #[arg(long, env, default_value_t = 3)]
    duration: u64,
    /// The folder of the release build.
    #[arg(long)]
    release: PathBuf,
    /// Instead of comparing systems, measure whether this one slows down as its data grows.
    #[arg(long)]
    growth: bool,
    /// The file to write the tables to.
    #[arg(long)]
    results: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().context("bench has no parent folder")?.to_owned();
    let folder = tempfile::tempdir_in(root.join("target"))?;
    let busy = machine::busy(Duration::from_secs(2));
    let schema = root.join("schema/schema.sql");
    // The stack's setting is too small for ten million items; a quarter of the memory is what PostgreSQL's
    // documentation advises.
    let settings =
        if arguments.growth { vec![format!("shared_buffers={}kB", machine::memory() / 4)] } else { Vec::new() };
    let filled = Filled::start(&folder.path().join("postgres"), &schema, settings).await?;
    let programs = Programs { root: root.clone(), release: arguments.release };
    let plan = Plan {
        kinds: if arguments.growth { vec![Kind::Embedded] } else { kinds() },
        rounds: arguments.rounds,
        time: Duration::from_secs(arguments.duration),
    };
    let machine = Machine::look(&filled.version().await?);
    let text = if arguments.growth {
        growth::write(&growth::run(&plan, &programs, &filled, &schema).await?, &plan, &machine)
    } else {
        filled.fill(ITEMS).await?;
        let table = measure::run(&plan, &programs, &filled).await?;
        report::write(&table, &plan, &machine, &report::component_sizes(&root)?, (busy > machine::BUSY).then_some(busy))
    };
    println!("{text}");
    std::fs::write(&arguments.results, text).with_context(|| format!("write {}", arguments.results.display()))
}

/// The systems, in the order of the table.
fn kinds() -> Vec<Kind> {
    let mut kinds = vec![Kind::Twin, Kind::Embedded];
    if system::has_spin() {
        kinds.extend([Kind::Spin, Kind::Select]);
    } else {
        eprintln!("There is no spin on PATH: this run does not measure it");
    }
    kinds
}
