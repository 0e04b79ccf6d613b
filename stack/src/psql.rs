use std::ffi::OsStr;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::server::binaries;
use crate::{Address, Error};

/// The longest any administrative statement may take; the longest wait is the one for another process that applies the schema.
const DEADLINE: Duration = Duration::from_secs(120);
/// A line no statement of ours prints.
const END: &str = "-- end of answer --";

/// Runs a script file; `variables` reach it through the environment (`\getenv`), which keeps passwords off the command line.
pub(crate) async fn run_file<'a>(
    address: &Address,
    file: &Path,
    variables: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<(), Error> {
    let mut command = command(address, [OsStr::new("-f"), file.as_os_str()])?;
    let output = timeout(DEADLINE, command.envs(variables).stdin(Stdio::null()).output()).await;
    let action = || format!("apply {}", file.display());
    match output {
        Ok(Ok(Output { status, .. })) if status.success() => Ok(()),
        Ok(Ok(Output { status, stderr, .. })) => {
            Err(error(address, action(), status.code(), &String::from_utf8_lossy(&stderr)))
        }
        Ok(Err(e)) => Err(Error::Sql { action: action(), reason: e.to_string() }),
        Err(_) => Err(Error::Sql { action: action(), reason: "it took too long".into() }),
    }
}

/// One connection that stays open between statements, so that it can hold a lock.
pub(crate) struct Session {
    address: Address,
    child: Child,
    input: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    complaints: ChildStderr,
}

impl Session {
    pub(crate) fn open(address: &Address) -> Result<Self, Error> {
        let mut command = command(address, ["-f", "-"])?;
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(|e| Error::Sql { action: "start psql".into(), reason: e.to_string() })?;
        Ok(Self {
            address: address.clone(),
            input: child.stdin.take().expect("stdin is piped"),
            answers: BufReader::new(child.stdout.take().expect("stdout is piped")).lines(),
            complaints: child.stderr.take().expect("stderr is piped"),
            child,
        })
    }

    /// Runs `sql` and returns the lines of its answer, columns separated by `|`. `action` completes "PostgreSQL refused to …".
    pub(crate) async fn run(&mut self, action: &str, sql: &str) -> Result<Vec<String>, Error> {
        let answer = timeout(DEADLINE, async {
            // A psql that ended cannot read; why it did is in what it printed.
            let _ = self.input.write_all(format!("{sql}\n\\echo '{END}'\n").as_bytes()).await;
            let mut lines = Vec::new();
            while let Ok(Some(line)) = self.answers.next_line().await {
                if line == END {
                    return Ok(lines);
                }
                lines.push(line);
            }
            let mut complaint = String::new();
            let _ = self.complaints.read_to_string(&mut complaint).await;
            let code = self.child.wait().await.ok().and_then(|status| status.code());
            Err(error(&self.address, action.to_owned(), code, &complaint))
        });
        answer.await.unwrap_or_else(|_| Err(Error::Sql { action: action.into(), reason: "it took too long".into() }))
    }
}

/// A `psql` that stops at the first error and sees nothing of the user's own settings.
fn command(address: &Address, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<Command, Error> {
    let mut command = Command::new(binaries::psql()?);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        if name != "PGPASSWORD" && name != "PGPASSFILE" {
            command.env_remove(name);
        }
    }
    command
        .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
        .args(arguments)
        .env("LC_ALL", "C")
        .env("PGCONNECT_TIMEOUT", "5")
        // Says "already exists, skipping" at every start otherwise.
        .env("PGOPTIONS", "-c client_min_messages=warning")
        .env("PGPORT", address.port.to_string())
        .envs(address.environment())
        .process_group(0)
        .kill_on_drop(true);
    Ok(command)
}

fn error(address: &Address, action: String, code: Option<i32>, complaint: &str) -> Error {
    let line =
        complaint.lines().find(|line| line.contains("ERROR:") || line.contains("FATAL:") || line.contains("error:"));
    let reason = line.or(complaint.lines().next()).unwrap_or("psql ended").trim().to_owned();
    // psql: 2 says that the connection went bad, 3 that the script did.
    match code {
        Some(2) => {
            let reason = reason.trim_start_matches("psql: error: ").to_owned();
            Error::Unreachable { address: address.to_string(), reason }
        }
        _ => Error::Sql { action, reason },
    }
}
