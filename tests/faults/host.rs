//! A host as a process: started, killed, terminated.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use support::Kind;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

const START_DEADLINE: Duration = Duration::from_secs(30);
/// The limit of open files that Debian sets for a process.
const DESCRIPTORS: u32 = 1024;
/// The host itself waits 30 s for work that does not end.
const END_DEADLINE: Duration = Duration::from_secs(35);

/// The program `host` or `spin`, running.
pub struct Host {
    child: Child,
    pub address: SocketAddr,
}

/// The path of a program that `cargo build --workspace` puts beside this test.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    let program = test.parent().and_then(Path::parent).expect("target/debug").join(name);
    assert!(program.exists(), "{} is missing; fix: cargo build --workspace", program.display());
    program
}

impl Host {
    /// Starts it on a free port; its output goes into `log`.
    pub async fn start(manifest: &Path, log: &Path, environment: &[(String, String)]) -> anyhow::Result<Host> {
        let file = File::create(log).context("create the host's log")?;
        let mut command = Command::new("prlimit");
        command.arg(format!("--nofile={DESCRIPTORS}:"));
        let spin = support::kind() == Kind::Spin;
        match spin {
            false => command.arg(program("host")),
            true => command.args(["spin", "up", "--temp"]).arg(log.with_extension("spin")),
        };
        command.arg("--from").arg(manifest).args(["--listen", "127.0.0.1:0"]);
        command.args(["--state-dir=", "--log-dir="].iter().filter(|_| spin));
        // Spin serves in a child of its own, which has to end with it.
        command.process_group(0);
        command.current_dir(manifest.parent().context("a manifest is in a folder")?);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).kill_on_drop(true);
        let mut child = command.spawn().context("start the host")?;
        let begun = Instant::now();
        loop {
            let output = fs::read_to_string(log).unwrap_or_default();
            let address = output.lines().find_map(|line| line.strip_prefix("Serving http://"));
            if let Some(address) = address.filter(|_| output.contains("Available Routes")) {
                return Ok(Host { child, address: address.parse()? });
            }
            if child.try_wait()?.is_some() || begun.elapsed() > START_DEADLINE {
                bail!("the host does not start: {output}");
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends it with SIGKILL.
    pub async fn kill(mut self) {
        let _ = self.group().map(|group| kill_process_group(group, Signal::KILL));
        let _ = self.child.wait().await;
    }

    /// Ends it with SIGTERM and returns its status, or `None` if it did not end in time.
    pub async fn terminate(mut self) -> Option<ExitStatus> {
        let _ = kill_process(self.group()?, Signal::TERM);
        timeout(END_DEADLINE, self.child.wait()).await.ok()?.ok()
    }

    /// Resident memory of it and its children, in bytes.
    pub fn memory(&self) -> u64 {
        self.pids().into_iter().map(resident).sum()
    }

    /// Its process id and those of its children.
    pub fn pids(&self) -> Vec<u32> {
        let Some(pid) = self.child.id() else { return Vec::new() };
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        [pid].into_iter().chain(children.split_whitespace().filter_map(|child| child.parse().ok())).collect()
    }

    fn group(&self) -> Option<Pid> {
        self.child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.group().map(|group| kill_process_group(group, Signal::KILL));
    }
}

fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}
