//! The metrics exporter beside the host: a process of its own, so that nothing that happens to it touches a request.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::up::say;
use crate::{Database, Error, Role};

/// It binds two ports and asks nobody.
const START_DEADLINE: Duration = Duration::from_secs(10);
/// What exports under way get to end in; the program itself allows them 5 s.
const STOP_DEADLINE: Duration = Duration::from_secs(8);
/// Between its end and its next start.
const PAUSE: Duration = Duration::from_secs(1);
/// One that ends more often than this within a minute is given up; the application goes on without metrics.
const RESTARTS: usize = 5;

/// What a sidecar is told.
pub struct Options {
    /// Where `/metrics` is. Port 0 is a free one.
    pub metrics: SocketAddr,
    /// Where spans are received. Port 0 is a free one.
    pub otlp: SocketAddr,
    pub database: Database,
    /// The data of a PostgreSQL server on this machine, whose CPU time and memory are shown as well.
    pub server: Option<PathBuf>,
}

/// A running sidecar, started again when it ends by itself. It ends with this value and with our process, in whatever way.
pub struct Sidecar {
    metrics: SocketAddr,
    otlp: SocketAddr,
    stop: oneshot::Sender<()>,
    supervisor: JoinHandle<()>,
}

impl Sidecar {
    /// Returns once its ports are bound. It watches this process, as the host's.
    ///
    /// # Errors
    /// [`Error::SidecarNotBuilt`] where the program is missing beside our own, [`Error::Sidecar`] with what it said.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let program = std::env::current_exe().map_err(Error::file("find", "the stack's own program"))?;
        let program = program.with_file_name("sidecar");
        if !program.exists() {
            return Err(Error::SidecarNotBuilt(program));
        }
        let running = Running::start(&program, &options).await?;
        let (metrics, otlp) = (running.metrics, running.otlp);
        let (stop, stopped) = oneshot::channel();
        // Started again it must be where everybody knows it.
        let options = Options { metrics, otlp, ..options };
        let supervisor = tokio::spawn(supervise(running, program, options, stopped));
        Ok(Self { metrics, otlp, stop, supervisor })
    }

    /// Where `/metrics` is.
    pub fn metrics_address(&self) -> SocketAddr {
        self.metrics
    }

    /// Where a host's spans belong.
    pub fn spans(&self) -> String {
        format!("http://{}/v1/traces", self.otlp)
    }

    pub async fn stop(self) {
        drop(self.stop);
        let _ = self.supervisor.await;
    }
}

async fn supervise(mut running: Running, program: PathBuf, options: Options, mut stopped: oneshot::Receiver<()>) {
    let mut starts: Vec<Instant> = Vec::new();
    loop {
        let status = tokio::select! {
            status = running.ended() => status,
            _ = &mut stopped => return running.stop().await,
        };
        starts.retain(|start| start.elapsed() < Duration::from_secs(60));
        if starts.len() == RESTARTS {
            return eprintln!("The sidecar ended {} times within a minute: no metrics from here on", RESTARTS + 1);
        }
        starts.push(Instant::now());
        eprintln!("The sidecar ended ({status}); starting it again");
        tokio::select! {
            () = sleep(PAUSE) => {}
            _ = &mut stopped => return,
        }
        match Running::start(&program, &options).await {
            Ok(again) => running = again,
            Err(error) => return eprintln!("{error}: no metrics from here on"),
        }
    }
}

struct Running {
    child: Child,
    /// Its log, one line each; what it says after its start is shown as it comes.
    log: Lines<BufReader<ChildStdout>>,
    metrics: SocketAddr,
    otlp: SocketAddr,
}

impl Running {
    async fn start(program: &Path, options: &Options) -> Result<Self, Error> {
        let failed = |reason: String| Error::Sidecar(reason);
        let mut command = Command::new(program);
        command
            .arg("--end-with-stdin")
            .args(["--watch", &format!("host={}", std::process::id())])
            .env("SIDECAR_METRICS_LISTEN", options.metrics.to_string())
            .env("SIDECAR_OTLP_LISTEN", options.otlp.to_string())
            .env("SIDECAR_DATABASE_URL", options.database.address(Role::Metrics).url())
            // Out of reach of the terminal's signals: it goes after the host whose last spans it gets.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(data) = &options.server {
            command.arg("--watch-with-children").arg(format!("postgres={}", data.join("postmaster.pid").display()));
        }
        let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
        let mut log = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let line = timeout(START_DEADLINE, log.next_line()).await;
        let line = line.map_err(|_| failed(format!("it says nothing for {START_DEADLINE:?}")))?;
        let line = line.ok().flatten().unwrap_or_default();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        let address = |key: &str| said[key].as_str().and_then(|address| address.parse().ok());
        match (address("metrics"), address("otlp")) {
            (Some(metrics), Some(otlp)) => Ok(Self { child, log, metrics, otlp }),
            _ => Err(failed(said["error"].as_str().unwrap_or(&line).to_owned())),
        }
    }

    /// Shows its log until it ends; cancel safe.
    async fn ended(&mut self) -> String {
        while let Ok(Some(line)) = self.log.next_line().await {
            say(&line);
        }
        self.status().await
    }

    async fn status(&mut self) -> String {
        self.child.wait().await.as_ref().map_or_else(ToString::to_string, ExitStatus::to_string)
    }

    async fn stop(mut self) {
        // The end of its standard input is the order.
        drop(self.child.stdin.take());
        if timeout(STOP_DEADLINE, self.status()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}
