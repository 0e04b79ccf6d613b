use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::console::say;
use crate::psql::variables_of_libpq;
use crate::restarts::Restarts;
use crate::{Database, Error, Role};

/// Starting is quick: the sidecar binds two ports and needs no other program for that.
const START_DEADLINE: Duration = Duration::from_secs(10);
/// How long running exports may take to end; the sidecar itself allows them 5 s.
const STOP_DEADLINE: Duration = Duration::from_secs(8);
/// Between its end and its next start.
const PAUSE: Duration = Duration::from_secs(1);

/// What a sidecar is started with.
pub(crate) struct Config {
    /// Where `/metrics` is. Port 0 is a free one.
    pub(crate) metrics: SocketAddr,
    /// Where spans are received. Port 0 is a free one.
    pub(crate) otlp: SocketAddr,
    pub(crate) database: Database,
    /// The data directory of a server on this machine, for metrics of its CPU time and memory.
    pub(crate) server: Option<PathBuf>,
    /// The folder with the key that signs the trail's heads (`seed`), in which it keeps the last one.
    pub(crate) trail: PathBuf,
}

/// The metrics exporter: a process of its own, so that its failure never affects a request. It is started again when it
/// ends by itself, a few times; then the application goes on without metrics. It ends with this value and with our
/// process.
pub(crate) struct Sidecar {
    metrics: SocketAddr,
    otlp: SocketAddr,
    stop: oneshot::Sender<()>,
    supervisor: JoinHandle<()>,
}

impl Sidecar {
    /// Returns once its ports are bound. It watches this process, as the host's.
    pub(crate) async fn start(config: Config) -> Result<Self, Error> {
        let program = std::env::current_exe().map_err(Error::file("find", "the stack's own program"))?;
        let program = program.with_file_name("sidecar");
        if !program.exists() {
            return Err(Error::NotBuilt(format!("{} does not exist", program.display())));
        }
        let running = Running::start(&program, &config).await?;
        let (metrics, otlp) = (running.metrics, running.otlp);
        let (stop, stopped) = oneshot::channel();
        // A restart has to use the same ports.
        let config = Config { metrics, otlp, ..config };
        let supervisor = tokio::spawn(supervise(running, program, config, stopped));
        Ok(Self { metrics, otlp, stop, supervisor })
    }

    /// Where `/metrics` is.
    pub(crate) fn metrics_address(&self) -> SocketAddr {
        self.metrics
    }

    /// The URL to which a host sends its spans.
    pub(crate) fn spans(&self) -> String {
        format!("http://{}/v1/traces", self.otlp)
    }

    pub(crate) async fn stop(self) {
        drop(self.stop);
        let _ = self.supervisor.await;
    }
}

async fn supervise(mut running: Running, program: PathBuf, config: Config, mut stopped: oneshot::Receiver<()>) {
    let mut restarts = Restarts::default();
    loop {
        let status = tokio::select! {
            status = running.ended() => status,
            _ = &mut stopped => return running.stop().await,
        };
        if !restarts.allow() {
            return eprintln!("The sidecar ended more than {} times within a minute: no more metrics", Restarts::MOST);
        }
        eprintln!("The sidecar ended ({status}); starting it again");
        tokio::select! {
            () = sleep(PAUSE) => {}
            _ = &mut stopped => return,
        }
        match Running::start(&program, &config).await {
            Ok(again) => running = again,
            Err(error) => return eprintln!("{error}: no more metrics"),
        }
    }
}

struct Running {
    child: Child,
    /// What it prints, one JSON object per line; the first one has its addresses or an error.
    log: Lines<BufReader<ChildStdout>>,
    metrics: SocketAddr,
    otlp: SocketAddr,
}

impl Running {
    async fn start(program: &Path, config: &Config) -> Result<Self, Error> {
        let mut command = Command::new(program);
        // Its driver reads PGOPTIONS and others, and the password below is in the URL.
        for name in
            variables_of_libpq().chain(["SIDECAR_DATABASE_PASSWORD", "SIDECAR_DATABASE_PASSWORD_FILE"].map(Into::into))
        {
            command.env_remove(name);
        }
        command
            .arg("--end-with-stdin")
            .args(["--watch", &format!("host={}", std::process::id())])
            .env("SIDECAR_METRICS_LISTEN", config.metrics.to_string())
            .env("SIDECAR_OTLP_LISTEN", config.otlp.to_string())
            .env("SIDECAR_DATABASE_URL", config.database.address(Role::Metrics).url())
            .env("SIDECAR_AUDIT_KEY_FILE", config.trail.join("seed"))
            .env("SIDECAR_AUDIT_FOLDER", &config.trail)
            // Out of reach of the terminal's signals: it stops after the host, whose last spans it receives.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(data) = &config.server {
            command.arg("--watch-with-children").arg(format!("postgres={}", data.join("postmaster.pid").display()));
        }
        let mut child = command.spawn().map_err(|error| Error::Sidecar(error.to_string()))?;
        let mut log = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let report = timeout(START_DEADLINE, first_report(&mut log)).await;
        let report = report.map_err(|_| Error::Sidecar(format!("it reported nothing for {START_DEADLINE:?}")))?;
        let address = |key: &str| report[key].as_str().and_then(|address| address.parse().ok());
        match (address("metrics"), address("otlp")) {
            (Some(metrics), Some(otlp)) => Ok(Self { child, log, metrics, otlp }),
            _ => Err(Error::Sidecar(report["error"].as_str().unwrap_or("it ended").to_owned())),
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

    /// The sidecar ends when its standard input is closed.
    async fn stop(mut self) {
        drop(self.child.stdin.take());
        if timeout(STOP_DEADLINE, self.status()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

/// The line with its addresses, or the one with which it ended. Others, such as a warning, are shown.
async fn first_report(log: &mut Lines<BufReader<ChildStdout>>) -> serde_json::Value {
    let mut last = serde_json::Value::Null;
    while let Ok(Some(line)) = log.next_line().await {
        last = serde_json::from_str(&line).unwrap_or_default();
        if last["metrics"].is_string() {
            break;
        }
        say(&line);
    }
    last
}
