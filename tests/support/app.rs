//! The application under test: one host, one database, one log.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use host::{Config, Limits, Line, Lines, Log};
use http::Method;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use sqlx::PgPool;
use stack::{Host, Kind};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::{Contract, Item, Manifest, RawResponse, Response, SOON, SlowReader, TestDatabase, closed_port, eventually};

/// Longer than the 2 s that the relay may run after a response, so that stopping the host interrupts nothing.
const GRACE: Duration = Duration::from_secs(5);

/// The host that runs the tests.
pub fn kind() -> Kind {
    Kind::chosen().unwrap_or_else(|error| panic!("{error}"))
}

/// A running application. Dropping it stops the host and removes the database.
pub struct App {
    host: Option<Host>,
    /// What the host was started with, its own port included: it can be started again.
    config: Config,
    _manifest: TempDir,
    lines: Lines,
    client: Client,
    database: Arc<TestDatabase>,
}

/// An application that is not started yet.
pub struct Builder {
    manifest: Manifest,
    config: Config,
    lines: Lines,
    database: Option<Arc<TestDatabase>>,
}

impl Builder {
    /// Sets an application variable; it wins over the fixture's own value.
    pub fn variable(mut self, name: &str, value: &str) -> Builder {
        self.config.variables.push((name.into(), value.into()));
        self
    }

    /// Makes the database unreachable: connections to it are refused.
    pub fn without_database(self) -> Builder {
        self.variable("db_port", &closed_port())
    }

    /// Makes audit unreachable for the relay.
    pub fn without_audit(self) -> Builder {
        self.variable("audit_url", &format!("http://127.0.0.1:{}", closed_port()))
    }

    /// Changes the manifest.
    pub fn manifest(mut self, change: impl FnOnce(&mut Manifest)) -> Builder {
        change(&mut self.manifest);
        self
    }

    /// Gives audit the public route `/events`.
    pub fn with_public_audit(self) -> Builder {
        self.manifest(|manifest| manifest.add_route("/events", "audit"))
    }

    /// Changes the limits of the host. Spin has only the one of memory.
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Builder {
        change(&mut self.config.limits);
        self
    }

    /// Sends the host's spans to an OTLP/HTTP receiver.
    pub fn spans(mut self, receiver: &str) -> Builder {
        self.config.spans = Some(receiver.to_owned());
        self
    }

    /// Uses the database of another application.
    pub fn beside(mut self, other: &App) -> Builder {
        self.database = Some(other.database.clone());
        self
    }

    /// Starts it, on a free port.
    pub async fn start(self) -> App {
        let Builder { manifest, mut config, lines, database } = self;
        let database = match database {
            Some(database) => database,
            None => Arc::new(TestDatabase::create().await),
        };
        // The last value of a variable counts.
        config.variables.splice(0..0, database.variables());
        let (folder, path) = manifest.write();
        config.manifest = path;
        let client = Client::builder().timeout(Duration::from_secs(60)).build().expect("an HTTP client");
        let mut app = App { host: None, config, _manifest: folder, lines, client, database };
        app.start_host().await;
        app
    }
}

impl App {
    /// Starts the application of `spin.toml`, on a database and a port of its own.
    pub async fn start() -> App {
        App::builder().start().await
    }

    /// The application of `spin.toml`, to be changed before it starts.
    pub fn builder() -> Builder {
        let (log, lines) = Log::collect();
        let mut config = Config::new("spin.toml");
        config.listen.set_port(0);
        config.log = log;
        Builder { manifest: Manifest::read(), config, lines, database: None }
    }

    /// Starts a second host on the same database.
    pub async fn beside(&self) -> App {
        App::builder().beside(self).start().await
    }

    /// Where the host listens.
    pub fn address(&self) -> SocketAddr {
        self.config.listen
    }

    /// The URL of a path of this application.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// The HTTP client of this application: it keeps connections and gives up after a minute.
    pub fn http(&self) -> &Client {
        &self.client
    }

    /// A request to be completed and sent, usually with [`App::send`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// Sends a request, reads the whole response and checks it against `/openapi.json`.
    pub async fn send(&self, request: RequestBuilder) -> Response {
        let (client, request) = request.build_split();
        let request = request.expect("a well-formed request");
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = client.execute(request).await.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"));
        let response = Response::read(response)
            .await
            .unwrap_or_else(|error| panic!("{method} {path}: the body ends early: {error:?}"));
        Contract::of(self).await.check(&method, &path, &response);
        response
    }

    /// Sends `GET path`.
    pub async fn get(&self, path: &str) -> Response {
        self.send(self.request(Method::GET, path)).await
    }

    /// Sends `POST /items`.
    pub async fn post(&self, body: Value) -> Response {
        self.send(self.request(Method::POST, "/items").json(&body)).await
    }

    /// Sends `PUT path`.
    pub async fn put(&self, path: &str, body: Value) -> Response {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    /// Sends `DELETE path`.
    pub async fn delete(&self, path: &str) -> Response {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Creates an item without a description.
    pub async fn create(&self, name: &str) -> Item {
        let response = self.post(json!({ "name": name })).await;
        assert_eq!(response.status, 201, "{response:?}");
        response.item()
    }

    /// Sends bytes as they are and reads until the host closes the connection: ask for `Connection: close`.
    pub async fn exchange(&self, request: impl AsRef<[u8]>) -> RawResponse {
        RawResponse::read(self.address(), request.as_ref()).await
    }

    /// Sends `GET path` and reads only the beginning of the response.
    pub async fn read_slowly(&self, path: &str) -> SlowReader {
        SlowReader::begin(self.request(Method::GET, path)).await
    }

    /// The application's database.
    pub fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// Connections of the superuser to the application's database.
    pub fn db(&self) -> &PgPool {
        self.database.superuser()
    }

    /// Waits until the trail has `rows` rows, and not more, and the outbox is empty. Meanwhile it requests `/readyz`,
    /// as a cluster does.
    pub async fn audited(&self, rows: i64, deadline: Duration) {
        eventually(&format!("{rows} audited operations"), deadline, async || {
            let ready = self.http().get(self.url("/readyz")).send().await.map(|response| response.status().as_u16());
            let (stored, waiting) = self.database.stored_and_waiting().await;
            if stored > rows {
                panic!("{stored} rows in audit_logs, {rows} operations: {:?}", self.database.tally().await);
            }
            if (stored, waiting) == (rows, 0) {
                return Ok(());
            }
            let lease = self.database.lease().await;
            Err(format!("{stored} in audit_logs, {waiting} in the outbox, {lease:?}, /readyz {ready:?}"))
        })
        .await;
    }

    /// The lines that the components and the host have written so far.
    pub fn lines(&self) -> Vec<Line> {
        self.lines.all()
    }

    /// The texts of those lines.
    pub fn logs(&self) -> Vec<String> {
        self.lines().into_iter().map(|line| line.text).collect()
    }

    /// Waits for a line that contains `text`.
    pub async fn logged(&self, text: &str) -> Line {
        let line = self.lines.wait_for(text, SOON).await;
        line.unwrap_or_else(|| panic!("no log line with {text:?} within {SOON:?}; there are: {:#?}", self.logs()))
    }

    /// Waits for such a line of the embedded host. Spin has words of its own.
    pub async fn reported(&self, text: &str) {
        if kind() == Kind::Embedded {
            self.logged(text).await;
        }
    }

    /// Stops the host as SIGTERM does and starts it again, on another port.
    pub async fn restart_host(&mut self) {
        self.stop_host().await;
        self.start_host().await;
    }

    /// Stops the host; the database stays.
    pub async fn stop_host(&mut self) {
        if let Some(host) = self.host.take() {
            host.shutdown(GRACE).await;
        }
    }

    async fn start_host(&mut self) {
        // Any free port: that of a host before may be another test's by now.
        self.config.listen.set_port(0);
        let host = Host::start(kind(), self.config.clone()).await;
        let host = host.unwrap_or_else(|error| panic!("the host does not start: {error:#}; {:#?}", self.logs()));
        self.config.listen = host.address();
        self.host = Some(host);
    }
}

impl Drop for App {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("log of {}:", self.address());
            self.logs().iter().for_each(|line| println!("    {line}"));
        }
        block_in_place(|| Handle::current().block_on(self.stop_host()));
    }
}
