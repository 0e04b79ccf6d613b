//! `RESULTS.md`: the targets, the table, the machine, and whether the figures are reliable.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;

use crate::load::Workload;
use crate::machine::Machine;
use crate::measure::{CONNECTIONS, OPERATIONS, Plan, TRAIL, WORKLOADS};
use crate::pgbench;
use crate::system::Kind;
use crate::table::{Table, Target, Values, row};

/// Above this spread of the rounds, as a share of their median, figures are not reliable.
const SPREAD: f64 = 0.3;

/// How to read the table.
const READ: &str = include_str!("../READING.md");

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
    let targets = targets(table, plan, sizes);
    let mut text = format!("# Results\n\n{}\n{READ}\n## This run\n\n{machine}", summary(table, plan, &targets));
    let _ =
        writeln!(text, "- {} rounds of {} s per measurement, order alternating\n", plan.rounds, plan.time.as_secs());
    let doubts = doubts(table, busy);
    if !doubts.is_empty() {
        let _ = writeln!(text, "**The machine was noisy**: {}.\n", doubts.join("; "));
    }
    let _ = writeln!(text, "## Targets\n\n| | wanted | reached | |\n|---|--:|--:|---|");
    for target in &targets {
        let _ = writeln!(text, "{}", target.markdown());
    }
    let _ = writeln!(
        text,
        "\n## Table\n\n| workload | connections | system | rate per s | × twin | p50 ms | p99 ms | × twin | CPU µs | PostgreSQL µs | MiB |\n\
         |---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    );
    for workload in WORKLOADS.map(Workload::name).into_iter().chain([Workload::Select.name(), TRAIL]) {
        for connections in CONNECTIONS {
            for system in [pgbench::NAME, Kind::Twin.name(), Kind::Embedded.name(), Kind::Spin.name()] {
                text += &line(table, workload, connections, system).unwrap_or_default();
            }
        }
    }
    for (measured, measure) in [("From start to first 201", "ms"), ("Memory before the load", "MiB")] {
        let shown = |kind: &Kind| {
            let values = table.get(kind.name(), &row(if measure == "ms" { "start" } else { "idle" }, 16), measure)?;
            Some(format!("{} {} {measure}", kind.name(), values.shown()))
        };
        let systems = plan.kinds.iter().filter(|kind| **kind != Kind::Select).filter_map(shown);
        let _ = writeln!(text, "\n{measured}: {}.", systems.collect::<Vec<_>>().join(", "));
    }
    text
}

/// What the run shows, in two sentences.
fn summary(table: &Table, plan: &Plan, targets: &[Target]) -> String {
    let compared = |kind: Kind, measure| {
        let rows = [16, 128].into_iter().flat_map(|connections| OPERATIONS.map(|work| row(work.name(), connections)));
        let ratios: Values =
            rows.filter_map(|row| Some(times_twin(table, kind.name(), &row, measure)?.median())).collect();
        format!("{:.2} to {:.2}", ratios.least(), ratios.most())
    };
    let reaches = |kind: &Kind| {
        let (name, rate, cpu) = (kind.name(), compared(*kind, "rate"), compared(*kind, "CPU µs"));
        format!("**{name}** reaches {rate} × the native twin's rate with {cpu} × its processor time")
    };
    let systems = [Kind::Spin, Kind::Embedded];
    let systems: Vec<_> = systems.iter().filter(|kind| plan.kinds.contains(kind)).map(reaches).collect();
    let met = targets.iter().filter(|target| target.is_met()).count();
    format!(
        "For create, get and page at 16 and 128 connections, {}. Of {} targets {met} are met.\n",
        systems.join("; "),
        targets.len()
    )
}

/// The ratio of a measure to the twin's. Within a round, because the speed of the machine changes from one to the next.
fn times_twin(table: &Table, system: &'static str, row: &str, measure: &'static str) -> Option<Values> {
    Some(table.get(system, row, measure)?.times(table.get(Kind::Twin.name(), row, measure)?))
}

/// One line of the table; `None` if it was not measured.
fn line(table: &Table, workload: &str, connections: usize, system: &'static str) -> Option<String> {
    let row = row(workload, connections);
    let of = |system, measure| table.get(system, &row, measure);
    let rate = of(system, "rate")?;
    let median = |measure| of(system, measure).map(Values::shown_median).unwrap_or_default();
    let times_twin = |measure| {
        let ratio = times_twin(table, system, &row, measure).filter(|_| system != Kind::Twin.name());
        ratio.map(|ratio| ratio.shown()).unwrap_or_default()
    };
    Some(format!(
        "| {workload} | {connections} | {system} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
        rate.shown(),
        times_twin("rate"),
        median("p50 ms"),
        of(system, "p99 ms").map(Values::shown).unwrap_or_default(),
        times_twin("p99 ms"),
        median("CPU µs"),
        median("PostgreSQL µs"),
        median("MiB"),
    ))
}

fn doubts(table: &Table, busy: Option<f64>) -> Vec<String> {
    let before = busy.map(|busy| format!("{:.0} % of it was busy before the run began", busy * 100.0));
    let all: Vec<_> = table.measured("rate").map(|(system, row, rates)| (rates.spread(), system, row)).collect();
    let apart: Vec<_> = all.iter().filter(|(spread, ..)| *spread > SPREAD).collect();
    let worst = apart.iter().max_by(|one, other| one.0.total_cmp(&other.0)).map(|(spread, system, row)| {
        format!(
            "the rounds of {} of {} rates differ by more than {:.0} %, those of {row} connections on {system} by {:.0} %",
            apart.len(),
            all.len(),
            SPREAD * 100.0,
            spread * 100.0
        )
    });
    before.into_iter().chain(worst).collect()
}

fn targets(table: &Table, plan: &Plan, sizes: &[(&'static str, u64)]) -> Vec<Target> {
    let (ours, spin) = (Kind::Embedded.name(), Kind::Spin.name());
    let values = |system, workload: Workload, connections, measure| {
        table.get(system, &row(workload.name(), connections), measure).cloned().unwrap_or_default()
    };
    let mut targets = Vec::new();
    let mut add = |name: String, at_least, wanted, reached| targets.push(Target { name, wanted, reached, at_least });
    for connections in [16, 128] {
        for workload in OPERATIONS {
            let times = |measure| {
                let ratio = times_twin(table, ours, &row(workload.name(), connections), measure);
                ratio.unwrap_or_default().median()
            };
            let name = workload.name();
            add(format!("embedded host: rate of {name}, {connections} connections, × twin"), true, 0.85, times("rate"));
            add(
                format!("embedded host: p99 of {name}, {connections} connections, × twin"),
                false,
                1.5,
                times("p99 ms"),
            );
        }
    }
    add(
        "embedded host: /livez, 16 connections, per s".into(),
        true,
        20_000.0,
        values(ours, Workload::Livez, 16, "rate").median(),
    );
    let memory = WORKLOADS.map(|workload| values(ours, workload, 128, "MiB").median()).into_iter().fold(0.0, f64::max);
    add("embedded host: memory, 128 connections, MiB".into(), false, 200.0, memory);
    if plan.kinds.contains(&Kind::Select) {
        for workload in OPERATIONS {
            let ratio = values(spin, workload, 16, "rate").times(&values(spin, Workload::Select, 16, "rate")).median();
            add(format!("spin: rate of {}, 16 connections, × /select", workload.name()), true, 0.9, ratio);
        }
    }
    for (name, bytes) in sizes {
        add(format!("{name}.wasm, kB"), false, 250.0, *bytes as f64 / 1e3);
    }
    targets
}
