//! A database for each test, a sidecar that reads it, and the requests of its clients.

pub mod database;
pub mod otlp;
pub mod trail;

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use reqwest::{Client, Response, Result};
use sidecar::{Config, Password, Sidecar};

/// How long a test waits for something that should take milliseconds.
pub const SOON: Duration = Duration::from_secs(20);
/// How long a sidecar may take to stop.
pub const GRACE: Duration = Duration::from_secs(5);

/// The configuration for the database at `url`.
pub fn config(url: &str) -> Config {
    Config::new(sidecar::Database { url: url.into(), password: Password::Url })
}

/// The URL of a database that does not exist: nothing listens on port 1.
pub const NO_DATABASE: &str = "postgres://metrics@127.0.0.1:1/itemsdb";

/// A sidecar for tests that need no database.
pub async fn without_database() -> Sidecar {
    start(config(NO_DATABASE)).await
}

pub async fn start(config: Config) -> Sidecar {
    Sidecar::start(config).await.expect("the sidecar starts")
}

/// A client that no proxy variable of the environment diverts.
pub static CLIENT: LazyLock<Client> =
    LazyLock::new(|| Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client"));

pub async fn get(address: SocketAddr, path: &str) -> Response {
    CLIENT.get(format!("http://{address}{path}")).send().await.expect("a response")
}

/// Posts an export; `encoding` is its `Content-Encoding`.
pub async fn try_export(otlp: SocketAddr, path: &str, encoding: Option<&str>, body: Vec<u8>) -> Result<Response> {
    let request = CLIENT.post(format!("http://{otlp}{path}")).header("content-type", "application/x-protobuf");
    encoding.into_iter().fold(request, |request, name| request.header("content-encoding", name)).body(body).send().await
}

/// Posts an export and returns the status and the body of the response.
pub async fn export(sidecar: &Sidecar, path: &str, encoding: Option<&str>, body: Vec<u8>) -> (u16, Vec<u8>) {
    let response = try_export(sidecar.otlp_address(), path, encoding, body).await.expect("a response");
    assert_eq!(response.headers()["content-type"], "application/x-protobuf");
    (response.status().as_u16(), response.bytes().await.expect("a complete response").into())
}

/// What a client sends that wants exemplars.
pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0";

/// Sends `GET /metrics` with these headers.
pub async fn scrape(metrics: SocketAddr, headers: &[(&'static str, &str)]) -> Response {
    let request = CLIENT.get(format!("http://{metrics}/metrics"));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.send().await.and_then(Response::error_for_status).expect("metrics")
}

/// The body of a response to `GET /metrics`, as OpenMetrics.
pub struct Scrape(pub String);

impl Scrape {
    pub async fn of(sidecar: &Sidecar) -> Self {
        Self::at(sidecar.metrics_address()).await
    }

    pub async fn at(metrics: SocketAddr) -> Self {
        let response = scrape(metrics, &[("accept", OPEN_METRICS)]).await;
        Self(response.text().await.expect("a complete response"))
    }

    /// The lines that begin with one of `prefixes`.
    pub fn series(&self, prefixes: &[&str]) -> Vec<&str> {
        let wanted = |line: &&str| prefixes.iter().any(|prefix| line.starts_with(prefix));
        self.0.lines().filter(wanted).collect()
    }

    /// The value of the series with this name and these labels.
    pub fn value(&self, series: &str) -> Option<f64> {
        self.0.lines().find_map(|line| {
            let value = line.strip_prefix(series)?.strip_prefix(' ')?;
            value.split(' ').next()?.parse().ok()
        })
    }
}

/// Scrapes until `check` holds.
pub async fn eventually(what: &str, sidecar: &Sidecar, check: impl Fn(&Scrape) -> bool) -> Scrape {
    let start = Instant::now();
    loop {
        let scrape = Scrape::of(sidecar).await;
        if check(&scrape) {
            return scrape;
        }
        assert!(start.elapsed() < SOON, "{what}: not within {SOON:?}; last scrape:\n{}", scrape.0);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
