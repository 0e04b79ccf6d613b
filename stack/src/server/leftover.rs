use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::Error;
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

/// Removes a `postmaster.pid` because of which PostgreSQL would not start although nothing runs on `data`: an empty or
/// invalid one, as after a power failure, or one with the id of another process. PostgreSQL itself replaces one whose
/// process is gone.
///
/// The caller holds the lock on the folder and has called [`stop`].
pub(super) fn remove_stale_pid_file(data: &Path) -> Result<(), Error> {
    let file = data.join("postmaster.pid");
    let Ok(text) = fs::read(&file) else { return Ok(()) };
    let is_stale = match recorded(&String::from_utf8_lossy(&text)) {
        Some(pid) => test_kill_process(pid).is_ok() && !works_in(pid, data),
        None => true,
    };
    if is_stale {
        eprintln!("{} is of no running server: removed", file.display());
        fs::remove_file(&file).map_err(Error::file("remove", &file))?;
    }
    Ok(())
}

/// The process that `postmaster.pid` names, if it is a server on this data.
fn running(data: &Path) -> Option<Pid> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    // Not one in single-user mode, which somebody works with.
    let pid = recorded(&text).filter(|_| !text.starts_with('-'))?;
    (test_kill_process(pid).is_ok() && works_in(pid, data)).then_some(pid)
}

/// The process id in the first line; a server in single-user mode writes it with a minus.
fn recorded(text: &str) -> Option<Pid> {
    let pid: i32 = text.lines().next()?.trim().trim_start_matches('-').parse().ok()?;
    if pid > 0 { Pid::from_raw(pid) } else { None }
}

/// Whether this process is a server on `data`: process ids are used again.
fn works_in(pid: Pid, data: &Path) -> bool {
    // A server's working directory is its data directory. Without /proc, its command line has to name that directory.
    match fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero())) {
        Ok(folder) => folder == data,
        Err(_) if Path::new("/proc/self").exists() => false,
        Err(_) => {
            let output = Command::new("ps").args(["-o", "args=", "-p", &pid.as_raw_nonzero().to_string()]).output();
            output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(&*data.to_string_lossy()))
        }
    }
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

    #[test]
    fn a_pid_file_of_no_server_is_removed_and_one_of_an_ended_process_is_left_to_postgresql() {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join("postmaster.pid");
        let mut ended = Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        let (ended, alive) = (format!("{}\n", ended.id()), format!("{}\n/data\n", std::process::id()));
        for (content, is_left) in [
            ("".as_bytes(), false),
            (b"\0\0\0\0", false),
            (b"\xff\xfe garbage", false),
            (b"0\n", false),
            (b"99999999999\n", false),
            (alive.as_bytes(), false),
            (ended.as_bytes(), true),
        ] {
            fs::write(&file, content).unwrap();
            remove_stale_pid_file(data.path()).unwrap();
            assert_eq!(file.exists(), is_left, "{content:?}");
        }
        // A process that works in the folder, as a server does.
        let mut server = Command::new("sleep").arg("60").current_dir(data.path()).spawn().unwrap();
        let folder = data.path().canonicalize().unwrap();
        fs::write(&file, format!("-{}\n", server.id())).unwrap();
        remove_stale_pid_file(&folder).unwrap();
        server.kill().unwrap();
        server.wait().unwrap();
        assert!(file.exists());
    }
}
