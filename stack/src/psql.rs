use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::{Address, Error, binaries};

/// The longest that an administrative statement may take without printing a line; the longest wait is for another process
/// that applies the schema.
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
    pub(crate) fn open_with<'a>(
        address: &Address,
        variables: impl IntoIterator<Item = (String, &'a str)>,
    ) -> Result<Self, Error> {
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
        let mut lines = Vec::new();
        self.run_each(action, sql, |line| lines.push(line)).await?;
        Ok(lines)
    }

    /// The same, with a call for each line as soon as it is printed.
    pub(crate) async fn run_each(
        &mut self,
        action: &str,
        sql: &str,
        mut each: impl FnMut(String),
    ) -> Result<(), Error> {
        let too_long = |_| Error::Sql(action.into(), "it took too long".into());
        // Writing fails when psql has ended; the reason is in what it printed, read below.
        let input = format!("{sql}\n\\echo '{END}'\n");
        let _ = timeout(DEADLINE, self.stdin.write_all(input.as_bytes())).await.map_err(too_long)?;
        while let Ok(Some(line)) = timeout(DEADLINE, self.stdout.next_line()).await.map_err(too_long)? {
            if line == END {
                return Ok(());
            }
            each(line);
        }
        let mut stderr = String::new();
        let _ = timeout(DEADLINE, self.stderr.read_to_string(&mut stderr)).await.map_err(too_long)?;
        let code = self.child.wait().await.ok().and_then(|status| status.code());
        Err(error(&self.address, action.to_owned(), code, &stderr))
    }
}

/// The variables with which our caller's shell may redirect programs of PostgreSQL and the sidecar's driver.
pub(crate) fn variables_of_libpq() -> impl Iterator<Item = OsString> {
    std::env::vars_os().map(|(name, _)| name).filter(|name| name.as_encoded_bytes().starts_with(b"PG"))
}

/// A `psql` that stops at the first error and ignores the user's own settings.
fn command(address: &Address) -> Result<Command, Error> {
    let mut command = Command::new(binaries::psql()?);
    for name in variables_of_libpq() {
        command.env_remove(name);
    }
    command
        .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"])
        .env("PGCONNECT_TIMEOUT", "5")
        .envs(address.environment())
        // As the components connect, so that what works here works for them.
        .envs([("PGSSLMODE", "disable"), ("PGGSSENCMODE", "disable"), ("PGCLIENTENCODING", "UTF8"), ("LC_ALL", "C")])
        // Without the first one it prints "already exists, skipping" at every start; the second fits our literals.
        .env("PGOPTIONS", "-c client_min_messages=warning -c standard_conforming_strings=on")
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
