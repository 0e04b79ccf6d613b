use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command};

use rustix::process::Signal;

use crate::folder::{Folder, kill, root};
use crate::wait::{DEADLINE, eventually};

/// The binary, on free ports, with its data in a [`Folder`]. Terminated when dropped.
pub struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Waits until the application answers.
    pub fn start(folder: &Folder) -> Self {
        let running = Self::spawn(folder, &[]);
        running.address();
        running
    }

    /// `given` arguments override those that every test uses.
    pub fn spawn(folder: &Folder, given: &[&str]) -> Self {
        let (manifest, data) = (root().join("spin.toml"), folder.path().join("data"));
        let usual = [
            ["--from", manifest.to_str().unwrap()],
            ["--data", data.to_str().unwrap()],
            ["--listen", "127.0.0.1:0"],
            ["--db-port", "0"],
            ["--metrics-listen", "127.0.0.1:0"],
            ["--otlp-listen", "127.0.0.1:0"],
        ];
        let log = folder.path().join("output");
        let file = File::create(&log).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_stack"));
        command.args(usual.iter().filter(|[name, _]| !given.contains(name)).flatten()).args(given);
        command.stdout(file.try_clone().unwrap()).stderr(file);
        command.env("SIDECAR_AUDIT_EVERY", "0.1");
        for variable in ["DATABASE_URL", "DB_PORT", "LISTEN", "METRICS_LISTEN", "OTLP_LISTEN", "TAKE_OVER"] {
            command.env_remove(variable);
        }
        // The caller's shell may have been set up for another server, which is no business of the stack's own.
        if !given.contains(&"--database-url") {
            let others =
                [("PGHOST", "192.0.2.1"), ("PGPASSWORD", "wrong"), ("PGSERVICE", "other"), ("PGOPTIONS", "-c x=y")];
            command.envs(others).envs([("PGSSLMODE", "verify-full"), ("PGCLIENTENCODING", "nonsense")]);
            command.env("SIDECAR_DATABASE_PASSWORD", "wrong");
        }
        Self { child: command.spawn().unwrap(), log }
    }

    /// Waits until the application answers and returns its `HOST:PORT`.
    pub fn address(&self) -> String {
        eventually("the stack has started", || {
            let log = self.log();
            assert!(!log.lines().any(|line| line.starts_with("error: ")), "{log}");
            let rest = log.split_once("items answers on http://").ok_or_else(|| log.clone())?.1;
            if log.contains("Ctrl-C") { Ok(rest.lines().next().unwrap().to_owned()) } else { Err(log) }
        })
    }

    /// What it has printed so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// The complete response to a request, which must have this status.
    pub fn http(&self, method: &str, path: &str, body: &str, status: u16) -> String {
        let response = exchange(&self.address(), method, path, body).unwrap();
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {path}: {response}");
        response
    }

    /// Creates an item.
    pub fn create(&self, name: &str) {
        self.http("POST", "/items", &format!(r#"{{"name":"{name}"}}"#), 201);
    }

    /// Whether the application is ready, or its response if not.
    pub fn ready(&self) -> Result<(), String> {
        let response = exchange(&self.address(), "GET", "/readyz", "").map_err(|error| error.to_string())?;
        if response.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(response) }
    }

    /// The metrics of the sidecar.
    pub fn scrape(&self) -> Result<String, String> {
        let log = self.log();
        let (_, rest) = log.split_once("Metrics: curl http://").expect("the stack has started");
        let address = rest.split('/').next().unwrap();
        exchange(address, "GET", "/metrics", "").map_err(|error| error.to_string())
    }

    pub fn signal(&self, signal: Signal) {
        kill(&self.child.id().to_string(), signal);
    }

    /// Sends a signal and returns the exit code, `None` if the signal ended the process.
    pub fn end_with(self, signal: Signal) -> Option<i32> {
        self.signal(signal);
        self.until_ended().0
    }

    /// Waits for the end; its exit code and what it printed.
    pub fn until_ended(mut self) -> (Option<i32>, String) {
        let child = &mut self.child;
        let status = eventually("the stack ends", || child.try_wait().unwrap().ok_or_else(String::new));
        (status.code(), self.log())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::TERM);
            let _ = self.child.wait();
        }
    }
}

fn exchange(address: &str, method: &str, path: &str, body: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    write!(stream, "{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    Ok(response)
}
