use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use host::Host;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::{Database, Error};

/// How often `/readyz` is asked: each time, audit events that wait are handed on.
const POLL: Duration = Duration::from_secs(1);
/// The request id of those questions, by which their log lines can be told from a person's.
pub(crate) const POLL_ID: &str = "stack-readiness";
/// What requests and the work after their answers get to finish in.
const GRACE: Duration = Duration::from_secs(10);

/// What a stack is made of.
pub struct Options {
    /// `spin.toml`.
    pub manifest: PathBuf,
    /// Port 0 is a free one.
    pub listen: SocketAddr,
    pub database: Database,
    /// The application's variables beyond those of the database; they win over the environment.
    pub variables: Vec<(String, String)>,
    pub limits: host::Limits,
    /// Where the lines of the components go.
    pub log: host::Log,
    /// The OTLP/HTTP receiver that gets the host's spans.
    pub spans: Option<String>,
    /// Whether to ask `/readyz` every second, as a cluster's probe would.
    pub poll: bool,
}

impl Options {
    /// On a free port, everything else as `make up` has it.
    pub fn new(manifest: impl Into<PathBuf>, database: Database) -> Self {
        let manifest = manifest.into();
        let host = host::Config::new(&manifest);
        Self {
            manifest,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            database,
            variables: Vec::new(),
            limits: host.limits,
            log: host.log,
            spans: host.spans,
            poll: true,
        }
    }
}

/// The application over a database. Whatever else belongs to a stack starts in [`Stack::start`] and stops in [`Stack::shutdown`], in
/// reverse order.
pub struct Stack {
    host: Host,
    database: Database,
    poller: Option<JoinHandle<()>>,
}

impl Stack {
    /// Returns once the application answers.
    ///
    /// # Errors
    /// [`Error::PortInUse`], [`Error::NotBuilt`] for a component that was not built, [`Error::Host`] for what else a host does not take.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let Options { manifest, listen, database, mut variables, limits, log, spans, poll } = options;
        let given = database.variables().into_iter().filter(|(name, _)| variables.iter().all(|(key, _)| key != name));
        let given: Vec<_> = given.collect();
        variables.extend(given);
        let host = Host::start(host::Config { manifest, listen, variables, limits, log, spans }).await?;
        let poller = poll.then(|| tokio::spawn(poll_forever(host.address())));
        Ok(Self { host, database, poller })
    }

    /// Where the application listens.
    pub fn address(&self) -> SocketAddr {
        self.host.address()
    }

    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Hands on the audit events that wait, takes no more requests, and ends when those it took have ended, at most 10 s later.
    ///
    /// Audit events that wait after that are safe in the database; the next host hands them on.
    pub async fn shutdown(self) {
        if let Some(poller) = self.poller {
            poller.abort();
            ask_readiness(self.host.address()).await;
        }
        self.host.shutdown(GRACE).await;
    }
}

async fn poll_forever(address: SocketAddr) {
    let mut ticks = interval(POLL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        ask_readiness(address).await;
    }
}

/// One `GET /readyz`, for its effect alone: what it answers is for people and probes.
async fn ask_readiness(address: SocketAddr) {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        let request =
            format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nX-Request-Id: {POLL_ID}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(64 * 1024).read_to_end(&mut answer).await
    };
    let _ = timeout(Duration::from_secs(5), exchange).await;
}
