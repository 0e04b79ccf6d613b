use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// Stops the server that an earlier run left on `data`, if any, and returns its process id. Its stack was killed
/// together with the shell that stops it, or that shell is still stopping it.
///
/// The caller holds the lock on the folder, so no other stack uses that server.
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

/// The process that `postmaster.pid` names, if it is a server on this data: process ids are used again.
fn running(data: &Path) -> Option<Pid> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid = Pid::from_raw(text.lines().next()?.trim().parse().ok()?)?;
    test_kill_process(pid).ok()?;
    // A server's working directory is its data directory. Without /proc, its command line has to name that directory.
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
    async fn another_process_with_the_recorded_id_keeps_running() {
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
