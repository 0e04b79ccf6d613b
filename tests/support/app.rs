//! The application under test: one host, one database, one log.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use host::{Host, Limits, Line, Lines, Log};
use http::Method;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use sqlx::PgPool;
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use toml::toml;

use crate::{Answer, Contract, Item, Manifest, SOON, TestDatabase, eventually};

/// Longer than the work after a response can take (2 s of relay), so that nothing is cut off.
const GRACE: Duration = Duration::from_secs(5);

/// A running application. Its host is stopped and its database dropped with it.
pub struct App {
    host: Option<Host>,
    address: SocketAddr,
    settings: Settings,
    log: Log,
    lines: Lines,
    client: Client,
    database: Arc<TestDatabase>,
}

/// What it takes to start the host, and to start it again.
struct Settings {
    manifest: PathBuf,
    _folder: TempDir,
    variables: Vec<(String, String)>,
    limits: Limits,
    spans: Option<String>,
}

/// Changes to the application before it starts.
pub struct Builder {
    manifest: Manifest,
    variables: Vec<(String, String)>,
    limits: Limits,
    spans: Option<String>,
    database: Option<Arc<TestDatabase>>,
}

impl Builder {
    /// Sets an application variable; wins over the fixture's own.
    pub fn variable(mut self, name: &str, value: &str) -> Builder {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Runs `wasm` in place of a component's own code.
    pub fn component_source(mut self, component: &str, wasm: impl AsRef<Path>) -> Builder {
        self.manifest.source(component, wasm.as_ref());
        self
    }

    /// Changes the manifest.
    pub fn manifest(mut self, change: impl FnOnce(&mut Manifest)) -> Builder {
        change(&mut self.manifest);
        self
    }

    /// Gives audit a route of its own, so that requests from outside reach it.
    pub fn audit_in_the_open(self) -> Builder {
        let open = toml! {
            route = "/events"
            component = "audit"
        };
        self.manifest(|manifest| {
            manifest.table("trigger")["http"].as_array_mut().expect("triggers").push(open.into());
        })
    }

    /// Limits of the host.
    pub fn limits(mut self, limits: Limits) -> Builder {
        self.limits = limits;
        self
    }

    /// Sends spans to an OTLP/HTTP receiver.
    pub fn spans(mut self, receiver: &str) -> Builder {
        self.spans = Some(receiver.to_owned());
        self
    }

    /// Uses the database of another application.
    pub fn beside(mut self, other: &App) -> Builder {
        self.database = Some(other.database.clone());
        self
    }

    pub async fn start(self) -> App {
        let database = match self.database {
            Some(database) => database,
            None => Arc::new(TestDatabase::create().await),
        };
        let mut variables = database.variables();
        variables.retain(|(name, _)| self.variables.iter().all(|(own, _)| own != name));
        variables.extend(self.variables);
        let (folder, manifest) = self.manifest.write();
        let settings = Settings { manifest, _folder: folder, variables, limits: self.limits, spans: self.spans };
        let (log, lines) = Log::collect();
        let host = settings.host(SocketAddr::from(([127, 0, 0, 1], 0)), &log).await;
        let client = Client::builder().timeout(Duration::from_secs(60)).build().expect("an HTTP client");
        App { address: host.address(), host: Some(host), settings, log, lines, client, database }
    }
}

impl Settings {
    async fn host(&self, listen: SocketAddr, log: &Log) -> Host {
        let manifest = self.manifest.clone();
        let config = host::Config {
            manifest,
            listen,
            variables: self.variables.clone(),
            limits: self.limits.clone(),
            log: log.clone(),
            spans: self.spans.clone(),
        };
        Host::start(config).await.unwrap_or_else(|error| panic!("the host does not start: {error:#}"))
    }
}

impl App {
    /// The application as `spin.toml` says, on a database and a port of its own.
    pub async fn start() -> App {
        App::builder().start().await
    }

    /// The application with changes.
    pub fn builder() -> Builder {
        Builder {
            manifest: Manifest::read(),
            variables: Vec::new(),
            limits: Limits::default(),
            spans: None,
            database: None,
        }
    }

    /// A second host on the same database.
    pub async fn beside(&self) -> App {
        App::builder().beside(self).start().await
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The HTTP client of this application: connections are kept, the deadline is a minute.
    pub fn http(&self) -> &Client {
        &self.client
    }

    /// A request to be sent by hand, or with [`App::send`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// Sends a request, reads the whole answer and holds it against the contract.
    ///
    /// # Panics
    /// When no answer comes, or one that the contract does not know.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let (client, request) = request.build_split();
        let request = request.expect("a well-formed request");
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = client.execute(request).await.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"));
        let answer = Answer::read(response)
            .await
            .unwrap_or_else(|error| panic!("{method} {path}: the body ends early: {error:?}"));
        Contract::of(self).await.check(&method, &path, &answer);
        answer
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, body: Value) -> Answer {
        self.send(self.request(Method::POST, "/items").json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Creates an item without a description.
    pub async fn create(&self, name: &str) -> Item {
        let answer = self.post(json!({ "name": name })).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.item()
    }

    pub fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// Connections of the superuser to this application's database.
    pub fn db(&self) -> &PgPool {
        self.database.look()
    }

    /// Waits until the trail has `rows` rows and the outbox is empty, asking `/readyz` meanwhile as a probe does.
    ///
    /// # Panics
    /// After `deadline`, or as soon as the trail has too many rows.
    pub async fn audited(&self, rows: i64, deadline: Duration) {
        eventually(&format!("{rows} audited operations"), deadline, async || {
            let ready = self.http().get(self.url("/readyz")).send().await.map(|answer| answer.status().as_u16());
            let (stored, waiting) =
                (self.database.count("audit_logs").await, self.database.count("audit_outbox").await);
            assert!(
                stored <= rows,
                "{stored} rows in audit_logs, only {rows} operations: {:?}",
                self.database.tally().await
            );
            if (stored, waiting) == (rows, 0) {
                return Ok(());
            }
            let lease: String = sqlx::query_scalar("SELECT relay_lease::text FROM relay_lease")
                .fetch_one(self.db())
                .await
                .expect("read the lease");
            Err(format!("{stored} in audit_logs, {waiting} in the outbox, lease {lease}, /readyz {ready:?}"))
        })
        .await;
    }

    /// The lines that the components and the host wrote so far.
    pub fn lines(&self) -> Vec<Line> {
        self.lines.all()
    }

    /// What those lines say.
    pub fn logs(&self) -> Vec<String> {
        self.lines().into_iter().map(|line| line.text).collect()
    }

    /// Waits for a line that contains `text`.
    pub async fn logged(&self, text: &str) -> Line {
        let line = self.lines.wait_for(text, SOON).await;
        line.unwrap_or_else(|| panic!("no log line with {text:?} within {SOON:?}; there are: {:#?}", self.logs()))
    }

    /// Stops the host as SIGTERM would and starts it again on the same port.
    pub async fn restart_host(&mut self) {
        self.stop_host().await;
        self.host = Some(self.settings.host(self.address, &self.log).await);
    }

    /// Stops the host; the database stays.
    pub async fn stop_host(&mut self) {
        if let Some(host) = self.host.take() {
            host.shutdown(GRACE).await;
        }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("log of {}:", self.address);
            self.logs().iter().for_each(|line| println!("    {line}"));
        }
        block_in_place(|| Handle::current().block_on(self.stop_host()));
    }
}
