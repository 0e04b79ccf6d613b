//! CPU time and memory of this process and of the watched ones, from `/proc`. There are no series for a process that
//! has ended, nor where there is no `/proc`.

mod proc;

use std::fmt::Error;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use self::proc::{Memory, Stat, boot_time, children, seconds};
use crate::config::{Pid, Watch};
use crate::metrics::exposition::Exposition;

/// Writes the metrics of this process and of those it contains.
#[derive(Debug)]
pub struct Processes(pub Vec<Watch>);

impl Collector for Processes {
    fn encode(&self, encoder: DescriptorEncoder) -> Result<(), Error> {
        let out = &mut Exposition(encoder);
        own(out)?;
        let usages = self.0.iter().filter_map(|watch| Some((watch.name.as_str(), Usage::of(watch)?)));
        let usages: Vec<(&str, Usage)> = usages.collect();
        let labels = |name| vec![("process", name)];
        out.counters(
            "watched_process_cpu_seconds",
            "CPU time of a watched process, user and system, with its children where they are watched too.",
            usages.iter().map(|(name, usage)| (labels(*name), usage.cpu_seconds)),
        )?;
        out.gauges(
            "watched_process_resident_memory_bytes",
            "Memory of a watched process. What it shares with watched children counts once.",
            usages.iter().map(|(name, usage)| (labels(*name), usage.resident())),
        )
    }
}

fn own(out: &mut Exposition) -> Result<(), Error> {
    let pid = std::process::id();
    let (Some(stat), Some(memory)) = (Stat::read(pid), Memory::read(pid)) else {
        return Ok(());
    };
    out.counter("process_cpu_seconds", "CPU time of the sidecar, user and system.", seconds(stat.cpu))?;
    out.gauge("process_resident_memory_bytes", "Memory of the sidecar.", memory.resident)?;
    if let Ok(descriptors) = fs::read_dir("/proc/self/fd") {
        // Listing them opens one.
        let open = descriptors.count().saturating_sub(1) as i64;
        out.gauge("process_open_fds", "Open file descriptors of the sidecar.", open)?;
    }
    if let Some(boot) = boot_time() {
        let started = boot as f64 + seconds(stat.started);
        out.gauge("process_start_time_seconds", "Start of the sidecar, in Unix time.", started)?;
    }
    Ok(())
}

#[derive(Debug, Default)]
struct Usage {
    cpu_seconds: f64,
    /// Bytes that no other process has.
    private: i64,
    /// Bytes that the processes share: at least as many as any one of them reports.
    shared: i64,
}

impl Usage {
    /// `None` when there is no such process.
    fn of(watch: &Watch) -> Option<Self> {
        let pid = match &watch.pid {
            Pid::Number(pid) => *pid,
            Pid::File(path) => fs::read_to_string(path).ok()?.lines().next()?.trim().parse().ok()?,
        };
        let (stat, memory) = (Stat::read(pid)?, Memory::read(pid)?);
        let mut usage = Self::default();
        if !watch.children {
            usage.add(stat.cpu, memory);
            return Some(usage);
        }
        // A child that has ended counts as part of its parent, so that the sum never falls.
        usage.add(stat.cpu + stat.ended_children_cpu, memory);
        for child in children(pid) {
            if let (Some(stat), Some(memory)) = (Stat::read(child), Memory::read(child)) {
                usage.add(stat.cpu + stat.ended_children_cpu, memory);
            }
        }
        Some(usage)
    }

    fn add(&mut self, ticks: u64, memory: Memory) {
        self.cpu_seconds += seconds(ticks);
        self.private += memory.resident - memory.shared;
        self.shared = self.shared.max(memory.shared);
    }

    fn resident(&self) -> i64 {
        self.private + self.shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_processes_share_counts_once() {
        let mut usage = Usage::default();
        usage.add(0, Memory { resident: 300, shared: 200 });
        usage.add(0, Memory { resident: 260, shared: 250 });
        assert_eq!(usage.resident(), 100 + 10 + 250);
    }

    #[test]
    fn a_process_that_has_ended_has_no_usage() {
        let usage = |pid| Usage::of(&Watch { name: "x".into(), pid, children: true });
        assert!(usage(Pid::Number(std::process::id())).is_some());
        assert!(usage(Pid::Number(u32::MAX)).is_none());
        assert!(usage(Pid::File("/nowhere".into())).is_none());
    }
}
