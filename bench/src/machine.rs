//! The hardware and software of a run.

use std::fmt;
use std::fs;
use std::process::Command;
use std::time::Duration;

/// When other programs use more than this share of the processors, figures are not reliable.
pub const BUSY: f64 = 0.1;

/// Hardware and versions, the list above a table of results.
pub struct Machine {
    lines: Vec<String>,
}

impl Machine {
    /// Reads them; `postgres` is the version of the server.
    pub fn look(postgres: &str) -> Self {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let lines = vec![
            format!("{} ({cores} cores)", field("/proc/cpuinfo", "model name").unwrap_or_default()),
            format!("{} GiB of memory", memory() >> 20),
            format!("Linux {}", fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim()),
            format!("PostgreSQL {postgres}, durable (fsync, synchronous_commit)"),
            first_line("rustc", &["--version"]),
            first_line("wrk", &["--version"]),
            first_line("spin", &["--version"]),
            "RUST_BACKTRACE is unset for every measured process".to_owned(),
            format!("this repository at {}", first_line("git", &["describe", "--always", "--dirty"])),
        ];
        Self { lines: lines.into_iter().filter(|line| !line.trim().is_empty()).collect() }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "- {line}"))
    }
}

/// Memory of this machine, in KiB.
pub fn memory() -> u64 {
    field("/proc/meminfo", "MemTotal:").and_then(|text| text.split(' ').next()?.parse().ok()).unwrap_or_default()
}

/// The share of all processors that other programs use, observed for `time`.
pub fn busy(time: Duration) -> f64 {
    let before = jiffies();
    std::thread::sleep(time);
    let after = jiffies();
    let (all, idle) = (after.0 - before.0, after.1 - before.1);
    if all == 0 { 0.0 } else { 1.0 - idle as f64 / all as f64 }
}

/// Total and idle time of all processors since boot, in ticks.
fn jiffies() -> (u64, u64) {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().next().unwrap_or_default();
    let times: Vec<u64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    (times.iter().sum(), times.iter().skip(3).take(2).sum())
}

fn field(file: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(key))?;
    Some(value.trim_start_matches([' ', '\t', ':']).trim().to_owned())
}

/// The first line that a program prints; empty if there is no such program.
fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}
