//! Processor time and memory of processes, from `/proc` (proc(5)).

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// Processor time that `root` and its descendants have used, including those that have ended.
pub fn cpu(root: u32) -> Duration {
    let all = processes();
    let ticks: u64 = family(&all, root).iter().map(|pid| all[pid].ticks).sum();
    Duration::from_micros(ticks * 1_000_000 / rustix::param::clock_ticks_per_second())
}

/// Begins another peak of memory for `root` and its descendants.
pub fn reset_peak_memory(root: u32) {
    for pid in family(&processes(), root) {
        // 5 resets the peak (proc(5)). A process that has ended has none.
        _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
    }
}

/// The sum of the peaks of memory of `root` and its descendants, in bytes.
pub fn peak_memory(root: u32) -> u64 {
    family(&processes(), root).iter().map(|pid| status(*pid, "VmHWM:")).sum()
}

/// The memory that they use now, in bytes.
pub fn memory(root: u32) -> u64 {
    family(&processes(), root).iter().map(|pid| status(*pid, "VmRSS:")).sum()
}

struct Process {
    parent: u32,
    /// Its own time and that of children that have ended.
    ticks: u64,
}

fn processes() -> HashMap<u32, Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, process(pid)?))).collect()
}

fn process(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses, which may contain any character.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Process { parent: fields.get(1)?.parse().ok()?, ticks })
}

fn family(all: &HashMap<u32, Process>, root: u32) -> Vec<u32> {
    let mut found: Vec<u32> = all.contains_key(&root).then_some(root).into_iter().collect();
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(all.iter().filter(|(_, process)| process.parent == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found
}

fn status(pid: u32, key: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kilobytes =
        text.lines().find_map(|line| line.strip_prefix(key)?.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_and_memory_of_this_process_are_measured() {
        let me = std::process::id();
        let (before, start) = (cpu(me), std::time::Instant::now());
        while cpu(me) < before + Duration::from_millis(50) {
            assert!(start.elapsed() < Duration::from_secs(20), "working for 20 s costs no time");
        }
        assert!(memory(me) > 1 << 20 && peak_memory(me) >= memory(me) / 2);
    }
}
