//! The routes for Prometheus and for probes.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use crate::database::Database;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the routes need.
#[derive(Clone)]
pub struct Admin {
    /// What `/metrics` writes.
    pub registry: Arc<Registry>,
    /// Read at each scrape.
    pub database: Arc<Database>,
}

/// - `GET /metrics`: reads the database, then writes all metrics in the OpenMetrics text format. 200 even when the
///   database is lost.
/// - `GET /livez`: 200 as long as the process serves requests.
/// - `GET /readyz`: the same, with a line on the database.
pub fn router(admin: Admin) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .with_state(admin)
}

async fn metrics(State(admin): State<Admin>) -> Response {
    admin.database.refresh().await;
    let mut text = String::new();
    match encode(&mut text, &admin.registry) {
        Ok(()) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Shows how the last reading of the database ended. It starts none, and is 200 in any case.
async fn readyz(State(admin): State<Admin>) -> String {
    let database = match admin.database.status.get().up {
        Some(true) => "ok",
        Some(false) => "lost",
        None => "not read yet",
    };
    format!("ready\ndatabase: {database}\n")
}
