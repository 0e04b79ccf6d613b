//! The routes for Prometheus and for probes.

use std::io::Write;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, VARY};
use http::{HeaderMap, StatusCode};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use crate::database::Database;
use crate::metrics::{negotiation, text};
use crate::trail::Status;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the routes need.
#[derive(Clone)]
pub struct Admin {
    /// What `/metrics` writes.
    pub registry: Arc<Registry>,
    /// Read at each scrape.
    pub database: Arc<Database>,
    /// `None`: the heads of the trail are not signed.
    pub trail: Option<Trail>,
}

/// What the routes need of the trail.
#[derive(Clone)]
pub struct Trail {
    /// Has the last checkpoint.
    pub status: Arc<Status>,
    /// The public key that verifies it.
    pub key: String,
}

/// - `GET /metrics`: reads the database, then writes all metrics: as OpenMetrics, with exemplars, if the client asks for
///   it, otherwise in the text format 0.0.4; compressed if the client accepts gzip. 200 even when the database is lost.
/// - `GET /checkpoint`: the last signed head of the trail; 404 if there is none. `GET /checkpoint/key`: its public key.
/// - `GET /livez`: 200 as long as the process serves requests.
/// - `GET /readyz`: the same, with a line on the database.
pub fn router(admin: Admin) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/checkpoint", get(checkpoint))
        .route("/checkpoint/key", get(checkpoint_key))
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .with_state(admin)
}

async fn metrics(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    admin.database.refresh().await;
    let mut text = String::new();
    if let Err(error) = encode(&mut text, &admin.registry) {
        tracing::error!(%error, "metrics could not be written");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let (kind, text) =
        if negotiation::wants_open_metrics(&headers) { (OPEN_METRICS, text) } else { (TEXT, text::plain(&text)) };
    let head = [(CONTENT_TYPE, kind), (VARY, "accept, accept-encoding")];
    if !negotiation::accepts_gzip(&headers) {
        return (head, text).into_response();
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory cannot fail.
    let body = gzip.write_all(text.as_bytes()).and_then(|()| gzip.finish()).unwrap_or_default();
    let mut response = (head, body).into_response();
    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response
}

async fn checkpoint(State(admin): State<Admin>) -> Result<String, StatusCode> {
    admin.trail.and_then(|trail| trail.status.checkpoint()).ok_or(StatusCode::NOT_FOUND)
}

async fn checkpoint_key(State(admin): State<Admin>) -> Result<String, StatusCode> {
    admin.trail.map(|trail| trail.key + "\n").ok_or(StatusCode::NOT_FOUND)
}

/// Shows how the last reading of the database ended. It starts none, and is 200 in any case.
async fn readyz(State(admin): State<Admin>) -> String {
    format!("ready\ndatabase: {}\n", admin.database.status.get().state.unwrap_or("not read yet"))
}
