use std::io::{self, BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};

use tokio::sync::watch;

use super::account::Account;

const SCRIPT: &str = include_str!("keeper.sh");

/// A running program of PostgreSQL, under a shell that stops it when our process ends, even by `SIGKILL`.
///
/// It needs no async runtime: a thread waits for the process, so a server may outlive the runtime of the test that
/// started it.
pub(super) struct Keeper {
    /// Closing it makes the shell stop the program.
    stdin: Option<ChildStdin>,
    ended: watch::Receiver<Option<ExitStatus>>,
    waiter: Option<JoinHandle<()>>,
    /// Process id of the program.
    pub(super) pid: u32,
}

/// How to stop a program that still runs.
pub(super) struct Stop<'a> {
    /// Signals to send, 20 s apart.
    pub(super) signals: &'a str,
    /// A folder to remove afterwards.
    pub(super) remove: Option<&'a Path>,
}

impl Keeper {
    /// Runs `program` as `account`; its output is appended to the file `log`.
    pub(super) fn start(account: Account, log: &Path, stop: &Stop<'_>, program: &Command) -> io::Result<Self> {
        let mut child = account
            .command("sh")
            .args(["-c", SCRIPT, "keeper", stop.signals])
            .args([log, stop.remove.unwrap_or(Path::new(""))])
            .arg(program.get_program())
            .args(program.get_args())
            .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdin = child.stdin.take();
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout is piped")).read_line(&mut line)?;
        let pid = line.trim().parse().map_err(|_| io::Error::other("the shell that runs it ended early"))?;
        let (sender, ended) = watch::channel(None);
        let waiter = thread::Builder::new().name("postgres".into()).spawn(move || {
            let status = child.wait().unwrap_or_else(|_| ExitStatus::from_raw(-1));
            sender.send_replace(Some(status));
        })?;
        Ok(Self { stdin, ended, waiter: Some(waiter), pid })
    }

    /// Waits until the program has ended; cancel safe.
    pub(super) async fn ended(&self) -> ExitStatus {
        let mut ended = self.ended.clone();
        let status = ended.wait_for(Option::is_some).await.ok().and_then(|status| *status);
        status.unwrap_or_else(|| ExitStatus::from_raw(-1))
    }

    pub(super) async fn stop(mut self) {
        self.stdin = None;
        self.ended().await;
    }
}

/// After a drop, also by a panic or a cancelled start, the program has stopped.
impl Drop for Keeper {
    fn drop(&mut self) {
        self.stdin = None;
        if let Some(waiter) = self.waiter.take() {
            let _ = waiter.join();
        }
    }
}
