//! The server an earlier run left behind: its stack was killed, and the shell that should have stopped it too, or is at it just now.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// Stops the server that runs on `data`, if any, and returns its process id.
///
/// The caller holds the lock on the folder, so no other stack can want that server.
pub(super) async fn stop(data: &Path) -> Option<i32> {
    let pid = running(data)?;
    for (signal, patience) in [(Signal::INT, 20), (Signal::QUIT, 10), (Signal::KILL, 5)] {
        let _ = kill_process(pid, signal);
        let deadline = Instant::now() + Duration::from_secs(patience);
        while Instant::now() < deadline {
            if running(data) != Some(pid) {
                return Some(pid.as_raw_nonzero().get());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Some(pid.as_raw_nonzero().get())
}

/// The process `postmaster.pid` names, provided that it really is a server on this data: process ids are used again.
fn running(data: &Path) -> Option<Pid> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid = Pid::from_raw(text.lines().next()?.trim().parse().ok()?)?;
    test_kill_process(pid).ok()?;
    // A server works in its data directory. Where there is no /proc, its command line names it.
    let is_ours = match fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero())) {
        Ok(folder) => folder == data,
        Err(_) if Path::new("/proc/self").exists() => false,
        Err(_) => {
            let output =
                Command::new("ps").args(["-o", "args=", "-p", &pid.as_raw_nonzero().to_string()]).output().ok()?;
            String::from_utf8_lossy(&output.stdout).contains(&*data.to_string_lossy())
        }
    };
    is_ours.then_some(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_that_merely_has_the_recorded_id_is_left_alone() {
        let data = tempfile::tempdir().unwrap();
        let mut bystander = Command::new("sleep").arg("60").spawn().unwrap();
        fs::write(data.path().join("postmaster.pid"), format!("{}\n", bystander.id())).unwrap();
        let stopped = stop(data.path()).await;
        let state = bystander.try_wait().unwrap();
        bystander.kill().unwrap();
        bystander.wait().unwrap();
        assert_eq!((stopped, state), (None, None));
    }
}
