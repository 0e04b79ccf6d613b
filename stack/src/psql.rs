use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::{Address, Error, binaries};

/// The longest any administrative statement may take; the longest wait is for another process that applies the schema.
const DEADLINE: Duration = Duration::from_secs(120);
/// A line that no statement of ours prints.
const END: &str = "-- end of output --";

/// One connection that stays open between statements, so that it can hold a lock.
pub(crate) struct Session {
    address: Address,
    child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: ChildStderr,
}

impl Session {
    pub(crate) fn open(address: &Address) -> Result<Self, Error> {
        Self::open_with(address, [])
    }

    /// Scripts read `variables` from the environment (`\getenv`), which keeps passwords off the command line.
    pub(crate) fn open_with<const N: usize>(address: &Address, variables: [(String, &str); N]) -> Result<Self, Error> {
        let child = command(address)?.envs(variables).spawn();
        let mut child = child.map_err(|e| Error::Sql("start psql".into(), e.to_string()))?;
        Ok(Self {
            address: address.clone(),
            stdin: child.stdin.take().expect("stdin is piped"),
            stdout: BufReader::new(child.stdout.take().expect("stdout is piped")).lines(),
            stderr: child.stderr.take().expect("stderr is piped"),
            child,
        })
    }

    /// Runs `sql` and returns the lines it prints, columns separated by `|`. `action` completes "PostgreSQL refused to
    /// …".
    pub(crate) async fn run(&mut self, action: &str, sql: &str) -> Result<Vec<String>, Error> {
        let output = timeout(DEADLINE, async {
            // Writing fails when psql has ended; the reason is in what it printed, read below.
            let _ = self.stdin.write_all(format!("{sql}\n\\echo '{END}'\n").as_bytes()).await;
            let mut lines = Vec::new();
            while let Ok(Some(line)) = self.stdout.next_line().await {
                if line == END {
                    return Ok(lines);
                }
                lines.push(line);
            }
            let mut stderr = String::new();
            let _ = self.stderr.read_to_string(&mut stderr).await;
            let code = self.child.wait().await.ok().and_then(|status| status.code());
            Err(error(&self.address, action.to_owned(), code, &stderr))
        });
        output.await.unwrap_or_else(|_| Err(Error::Sql(action.into(), "it took too long".into())))
    }
}

/// A `psql` that stops at the first error and ignores the user's own settings.
fn command(address: &Address) -> Result<Command, Error> {
    let mut command = Command::new(binaries::psql()?);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        if name != "PGPASSWORD" && name != "PGPASSFILE" {
            command.env_remove(name);
        }
    }
    command
        .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-", "-d", &address.url_without_password()])
        .envs(address.password.iter().map(|password| ("PGPASSWORD", password)))
        .env("LC_ALL", "C")
        .env("PGCONNECT_TIMEOUT", "5")
        // Otherwise it prints "already exists, skipping" at every start.
        .env("PGOPTIONS", "-c client_min_messages=warning")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    Ok(command)
}

fn error(address: &Address, action: String, code: Option<i32>, stderr: &str) -> Error {
    let is_error = |line: &&str| ["ERROR:", "FATAL:", "error:"].iter().any(|mark| line.contains(mark));
    let line = stderr.lines().find(is_error).or(stderr.lines().next());
    let reason = line.unwrap_or("psql ended").trim();
    // Exit status 2 of psql: the connection failed; 3: the script did.
    match code {
        Some(2) => Error::Unreachable(address.to_string(), reason.trim_start_matches("psql: error: ").to_owned()),
        _ => Error::Sql(action, reason.to_owned()),
    }
}
