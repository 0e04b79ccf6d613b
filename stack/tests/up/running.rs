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
        running.until_answering();
        running
    }

    /// Given arguments win over those that every test uses.
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
        for variable in ["DATABASE_URL", "DB_PORT", "LISTEN", "METRICS_LISTEN", "OTLP_LISTEN"] {
            command.env_remove(variable);
        }
        Self { child: command.spawn().unwrap(), log }
    }

    /// Returns `HOST:PORT` once the application answers there.
    pub fn until_answering(&self) -> String {
        eventually("the stack greets", || {
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

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The whole answer to a request, head and body.
    pub fn http(&self, method: &str, path: &str, body: &str) -> String {
        exchange(&self.until_answering(), method, path, body).unwrap()
    }

    /// What the sidecar shows.
    pub fn scrape(&self) -> String {
        self.try_scrape().unwrap()
    }

    pub fn try_scrape(&self) -> Result<String, String> {
        let log = self.log();
        let (_, rest) = log.split_once("Metrics: curl http://").expect("the stack has greeted");
        let address = rest.split('/').next().unwrap();
        exchange(address, "GET", "/metrics", "").map_err(|error| error.to_string())
    }
}

fn exchange(address: &str, method: &str, path: &str, body: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    write!(stream, "{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

impl Running {
    /// Its exit code, `None` when the signal ended it.
    pub fn terminate(self) -> Option<i32> {
        self.end_with(Signal::TERM)
    }

    pub fn signal(&self, signal: Signal) {
        kill(&self.child.id().to_string(), signal);
    }

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
