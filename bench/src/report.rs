//! `RESULTS.md`: the tables, the targets, the machine, and whether the figures are reliable.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;

use crate::load::Workload;
use crate::machine::Machine;
use crate::measure::{CONNECTIONS, LIVE_CONNECTIONS, Plan, WORKLOADS, row};
use crate::table::{Table, Target, Values};

const OURS: &str = "embedded host";
const THEIRS: &str = "native";
/// Above this spread of the rounds, as a share of their median, figures are not reliable.
const SPREAD: f64 = 0.3;

/// The sizes of the components as they are shipped, in bytes.
pub fn component_sizes(root: &Path) -> anyhow::Result<Vec<(&'static str, u64)>> {
    let size = |name: &'static str| {
        let file = root.join(format!("target/wasm32-wasip1/release/{name}.wasm"));
        let metadata = std::fs::metadata(&file).with_context(|| format!("look at {}", file.display()))?;
        Ok((name, metadata.len()))
    };
    ["items", "audit"].into_iter().map(size).collect()
}

/// The content of `RESULTS.md`. `busy` is the share of the machine that other programs used before the run, if it was
/// too much.
pub fn write(
    table: &Table,
    plan: &Plan,
    machine: &Machine,
    sizes: &[(&'static str, u64)],
    busy: Option<f64>,
) -> String {
    let systems: Vec<_> = plan.kinds.iter().map(|kind| kind.name()).collect();
    let mut text = String::from(
        "# Measured\n\nWritten by `make bench`; [README.md](README.md) explains the terms. Median (least-most) of the rounds; rates are requests \
         per second, CPU is processor time per request of the system and of PostgreSQL.\n\n",
    );
    let _ = writeln!(text, "{machine}- {} rounds of {} s, order alternating\n", plan.rounds, plan.time.as_secs());
    let doubts = doubts(table, &systems, busy);
    if !doubts.is_empty() {
        let _ = writeln!(text, "**The machine was too noisy**: {}.\n", doubts.join("; "));
    }
    let _ = writeln!(text, "## Targets\n\n| | wanted | reached | |\n|---|--:|--:|---|");
    for target in targets(table, sizes) {
        let _ = writeln!(text, "{}", target.markdown());
    }
    let rows: Vec<String> = CONNECTIONS
        .into_iter()
        .flat_map(|connections| WORKLOADS.map(|workload| row(workload, connections)))
        .chain([row(Workload::Live, LIVE_CONNECTIONS)])
        .collect();
    for (title, measures) in
        [("Rate", &["rate"][..]), ("Latency", &["p50 ms", "p99 ms"]), ("Processor time", &["CPU µs", "PostgreSQL µs"])]
    {
        let _ = writeln!(text, "\n## {title}\n\n{}", table.markdown(&systems, &rows, measures).trim_end());
    }
    let _ = writeln!(text, "\n## Start, memory, full list, trail\n");
    for (row, measures) in [
        ("start to first 201", &["ms"][..]),
        ("idle", &["MiB"]),
        ("busy", &["MiB"]),
        ("full list", &["items/s", "MiB more"]),
        ("until audited", &["p50 ms", "p99 ms"]),
    ] {
        let _ = writeln!(text, "{}", table.markdown(&systems, &[row.to_owned()], measures));
    }
    let _ = writeln!(text, "{}", table.markdown(&["pgbench"], &["create".to_owned()], &["rate"]).trim_end());
    text
}

fn doubts(table: &Table, systems: &[&'static str], busy: Option<f64>) -> Vec<String> {
    let before = busy.map(|busy| format!("{:.0} % of it was busy before the run began", busy * 100.0));
    let apart = systems.iter().filter_map(|system| {
        let spread = table.get(system, &row(Workload::Create, 16), "rate")?.spread();
        (spread > SPREAD).then(|| format!("the rounds of create on {system} differ by {:.0} %", spread * 100.0))
    });
    before.into_iter().chain(apart).collect()
}

fn targets(table: &Table, sizes: &[(&'static str, u64)]) -> Vec<Target> {
    let median = |system, row: &str, measure| table.get(system, row, measure).map_or(f64::NAN, Values::median);
    // Within a round, because the speed of the machine changes from one to the next.
    let ratio = |row: &str, measure| match (table.get(OURS, row, measure), table.get(THEIRS, row, measure)) {
        (Some(ours), Some(theirs)) => ours.times(theirs).median(),
        _ => f64::NAN,
    };
    let mut targets = Vec::new();
    let mut add = |name: String, at_least, wanted, reached| targets.push(Target { name, wanted, reached, at_least });
    for connections in [16, 128] {
        for workload in [Workload::Create, Workload::Get, Workload::Page] {
            let row = row(workload, connections);
            add(format!("rate of {row}, times native"), true, 1.0, ratio(&row, "rate"));
            add(format!("p99 of {row}, times native"), false, 1.5, ratio(&row, "p99 ms"));
        }
    }
    add("/livez, requests/s".into(), true, 20_000.0, median(OURS, &row(Workload::Live, LIVE_CONNECTIONS), "rate"));
    add("start of one instance, µs".into(), false, 40.0, median(OURS, "instance", "µs"));
    add("host idle, MiB".into(), false, 40.0, median(OURS, "idle", "MiB"));
    add("host with 128 busy connections, MiB".into(), false, 200.0, median(OURS, "busy", "MiB"));
    for (name, bytes) in sizes {
        add(format!("{name}.wasm, kB"), false, 250.0, *bytes as f64 / 1e3);
    }
    targets
}
