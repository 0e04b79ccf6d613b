//! The files of `/proc`. Each function returns `None` where its file is missing or has another format.

use std::fs;

/// `/proc/PID/stat`, proc_pid_stat(5); times are in clock ticks.
#[derive(Debug, PartialEq)]
pub struct Stat {
    /// The parent's process id.
    pub parent: u32,
    /// CPU time, user and system.
    pub cpu: u64,
    /// CPU time of the children that have ended.
    pub ended_children_cpu: u64,
    /// Since the system's start.
    pub started: u64,
}

impl Stat {
    /// Reads the file of a process.
    pub fn read(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The second field, a name in parentheses, may itself contain parentheses and spaces.
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

/// `/proc/PID/statm`, proc_pid_statm(5), in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// All of its memory that is in RAM.
    pub resident: i64,
    /// The part of it that other processes may use too.
    pub shared: i64,
}

impl Memory {
    /// Reads the file of a process.
    pub fn read(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
        let mut pages = text.split_whitespace().skip(1).map(str::parse::<i64>);
        let page = i64::try_from(rustix::param::page_size()).ok()?;
        Some(Self { resident: pages.next()?.ok()? * page, shared: pages.next()?.ok()? * page })
    }
}

/// The processes that `parent` started and that have not ended.
pub fn children(parent: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| Stat::read(*pid).is_some_and(|stat| stat.parent == parent)).collect()
}

/// Converts clock ticks.
pub fn seconds(ticks: u64) -> f64 {
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

/// The system's start, in Unix time.
pub fn boot_time() -> Option<u64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_may_contain_parentheses_and_spaces() {
        let stat = "12 (a) b (c) S 7 12 12 0 -1 4194560 1 2 3 4 50 60 70 80 20 0 1 0 900 1 2 3";
        let expected = Stat { parent: 7, cpu: 110, ended_children_cpu: 150, started: 900 };
        assert_eq!(Stat::parse(stat), Some(expected));
        assert_eq!(Stat::parse("12 (cut) S 7"), None);
    }
}
