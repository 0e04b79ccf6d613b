//! CPU time and memory of this process and of those it watches, from `/proc`. Where there is no `/proc`, or no longer such a process,
//! there are no series.

use std::fmt::{self, Error};
use std::fs;
use std::path::Path;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use crate::metrics::exposition::{Exposition, Family};
use crate::options::{Pid, Watch};

/// Writes the metrics of processes.
pub struct Processes(Vec<Watch>);

impl Processes {
    pub fn new(watched: &[Watch]) -> Self {
        Self(watched.to_vec())
    }
}

impl fmt::Debug for Processes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Processes")
    }
}

impl Collector for Processes {
    fn encode(&self, encoder: DescriptorEncoder) -> Result<(), Error> {
        let out = &mut Exposition(encoder);
        own(out)?;
        let usage: Vec<(&str, Usage)> =
            self.0.iter().filter_map(|watch| Some((watch.name.as_str(), usage(watch)?))).collect();
        let labels = |name| vec![("process", name)];
        out.counters(
            Family::seconds(
                "watched_process_cpu",
                "CPU time of a process, user and system; with the processes it started, where they are watched too.",
            ),
            usage.iter().map(|(name, usage)| (labels(*name), usage.cpu_seconds)),
        )?;
        out.gauges(
            Family::bytes(
                "watched_process_resident_memory",
                "Memory of a process; of a group of processes, what they share counts once.",
            ),
            usage.iter().map(|(name, usage)| (labels(*name), usage.resident())),
        )
    }
}

fn own(out: &mut Exposition) -> Result<(), Error> {
    let pid = std::process::id();
    let (Some(stat), Some(memory)) = (Stat::read(pid), Memory::read(pid)) else {
        return Ok(());
    };
    out.counter(Family::seconds("process_cpu", "CPU time of this process, user and system."), seconds(stat.cpu))?;
    out.gauge(Family::bytes("process_resident_memory", "Memory of this process."), memory.resident)?;
    if let Ok(descriptors) = fs::read_dir("/proc/self/fd") {
        // Listing them opens one.
        let open = descriptors.count().saturating_sub(1) as u64;
        out.gauge(Family::new("process_open_fds", "Open file descriptors of this process."), open as i64)?;
    }
    if let Some(boot) = boot_time() {
        out.gauge(
            Family::seconds("process_start_time", "When this process started, in Unix time."),
            boot as f64 + seconds(stat.started),
        )?;
    }
    Ok(())
}

#[derive(Debug, Default)]
struct Usage {
    cpu_seconds: f64,
    /// Bytes that no other process has.
    private: i64,
    /// Bytes shared by the group: at least as many as its largest member has.
    shared: i64,
}

impl Usage {
    fn resident(&self) -> i64 {
        self.private + self.shared
    }

    fn add(&mut self, ticks: u64, memory: Memory) {
        self.cpu_seconds += seconds(ticks);
        self.private += memory.resident - memory.shared;
        self.shared = self.shared.max(memory.shared);
    }
}

fn usage(watch: &Watch) -> Option<Usage> {
    let pid = match &watch.pid {
        Pid::Number(pid) => *pid,
        Pid::File(path) => fs::read_to_string(path).ok()?.lines().next()?.trim().parse().ok()?,
    };
    let (stat, memory) = (Stat::read(pid)?, Memory::read(pid)?);
    let mut usage = Usage::default();
    if !watch.children {
        usage.add(stat.cpu, memory);
        return Some(usage);
    }
    // A child that has ended counts in its parent, so that the sum does not fall.
    usage.add(stat.cpu + stat.ended_children_cpu, memory);
    for child in children(pid) {
        if let (Some(stat), Some(memory)) = (Stat::read(child), Memory::read(child)) {
            usage.add(stat.cpu + stat.ended_children_cpu, memory);
        }
    }
    Some(usage)
}

fn children(parent: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| Stat::read(*pid).is_some_and(|stat| stat.parent == parent))
        .collect()
}

/// From `/proc/PID/stat`; times are in clock ticks.
#[derive(Debug, PartialEq)]
struct Stat {
    parent: u32,
    cpu: u64,
    ended_children_cpu: u64,
    /// Since the system's start.
    started: u64,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(proc(pid, "stat")).ok()?)
    }

    /// proc_pid_stat(5). The name, second field, may hold anything, parentheses and blanks too.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        Some(Self {
            parent: u32::try_from(number(4)?).ok()?,
            cpu: number(14)? + number(15)?,
            ended_children_cpu: number(16)? + number(17)?,
            started: number(22)?,
        })
    }
}

/// From `/proc/PID/statm`, in bytes.
#[derive(Clone, Copy, Debug)]
struct Memory {
    resident: i64,
    shared: i64,
}

impl Memory {
    fn read(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(proc(pid, "statm")).ok()?;
        let mut pages = text.split_whitespace().skip(1).map(str::parse::<i64>);
        let page = i64::try_from(rustix::param::page_size()).ok()?;
        Some(Self { resident: pages.next()?.ok()? * page, shared: pages.next()?.ok()? * page })
    }
}

fn proc(pid: u32, file: &str) -> impl AsRef<Path> {
    format!("/proc/{pid}/{file}")
}

fn seconds(ticks: u64) -> f64 {
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

/// Unix time of the system's start.
fn boot_time() -> Option<u64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_blanks_confuses_nobody() {
        let stat = "12 (a) b (c) S 7 12 12 0 -1 4194560 1 2 3 4 50 60 70 80 20 0 1 0 900 1 2 3";
        let expected = Stat { parent: 7, cpu: 110, ended_children_cpu: 150, started: 900 };
        assert_eq!(Stat::parse(stat), Some(expected));
        assert_eq!(Stat::parse("12 (cut) S 7"), None);
    }

    #[test]
    fn what_a_group_shares_counts_once() {
        let mut usage = Usage::default();
        usage.add(0, Memory { resident: 300, shared: 200 });
        usage.add(0, Memory { resident: 260, shared: 250 });
        assert_eq!(usage.resident(), 100 + 10 + 250);
    }

    #[test]
    fn a_process_that_is_gone_has_no_usage() {
        let watch = |pid| Watch { name: "x".into(), pid, children: true };
        assert!(usage(&watch(Pid::Number(std::process::id()))).is_some());
        assert!(usage(&watch(Pid::Number(u32::MAX))).is_none());
        assert!(usage(&watch(Pid::File("/nowhere".into()))).is_none());
    }
}
