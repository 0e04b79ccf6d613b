//! Stores events, one row each, without totals.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use deadpool_postgres::Pool;

use crate::Failure;

const STORE: &str =
    "INSERT INTO audit_logs (event_id, action, outcome, item_id, request_id, created_at, stored_at, details)
     SELECT event_id, action, outcome, item_id, request_id, occurred_at, clock_timestamp(), details
       FROM jsonb_to_record($1::text::jsonb) AS e (event_id uuid, action text, outcome text, item_id bigint, request_id text,
            occurred_at timestamptz, details jsonb)
     ON CONFLICT (event_id) DO NOTHING";

pub fn routes(pool: Pool) -> Router {
    Router::new().route("/events", post(store)).with_state(pool)
}

async fn store(State(pool): State<Pool>, event: String) -> Result<StatusCode, Failure> {
    let client = pool.get().await?;
    let statement = client.prepare_cached(STORE).await?;
    client.execute(&statement, &[&event]).await?;
    Ok(StatusCode::NO_CONTENT)
}
