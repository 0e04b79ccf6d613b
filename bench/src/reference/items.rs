//! The part of the public API that is measured.

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use deadpool_postgres::Pool;
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::Failure;

const CREATE: &str = "INSERT INTO items (name, description, created_at, updated_at) VALUES ($1, $2, now(), now())
    RETURNING id, name, description, created_at, updated_at, version";
const GET: &str = "SELECT id, name, description, created_at, updated_at, version FROM items WHERE id = $1";
const PAGE: &str = "SELECT id, name, description, created_at, updated_at FROM items WHERE id > $1 ORDER BY id LIMIT $2";
const ALL: &str = "SELECT id, name, description, created_at, updated_at FROM items WHERE id > $1 ORDER BY id";

/// Items in one chunk of a full list.
const CHUNK: usize = 500;

#[derive(Clone)]
struct Service {
    pool: Pool,
    http: reqwest::Client,
    audit: String,
}

pub fn routes(pool: Pool, audit: String) -> Router {
    let service = Service { pool, http: reqwest::Client::new(), audit: format!("{audit}/events") };
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/items", get(list).post(create))
        .route("/items/{id}", get(read))
        .with_state(service)
}

#[derive(Deserialize)]
struct Input {
    name: String,
    #[serde(default)]
    description: String,
}

#[derive(Serialize)]
struct Item {
    id: i64,
    name: String,
    description: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<&Row> for Item {
    fn from(row: &Row) -> Self {
        let (id, name, description) = (row.get(0), row.get(1), row.get(2));
        Self { id, name, description, created_at: row.get(3), updated_at: row.get(4) }
    }
}

async fn create(State(service): State<Service>, Json(input): Json<Input>) -> Result<Response, Failure> {
    if !(1..=200).contains(&input.name.chars().count()) || input.description.chars().count() > 10_000 {
        return Ok(StatusCode::UNPROCESSABLE_ENTITY.into_response());
    }
    let row = {
        let client = service.pool.get().await?;
        let statement = client.prepare_cached(CREATE).await?;
        client.query_one(&statement, &[&input.name, &input.description]).await?
    };
    let item = Item::from(&row);
    let details = json!({ "name": item.name, "description": item.description });
    let request_id = service.record("create", "ok", Some(item.id), details).await?;
    let headers = [
        (LOCATION.as_str(), format!("/items/{}", item.id)),
        (ETAG.as_str(), format!("\"{}\"", row.get::<_, i64>(5))),
        ("x-request-id", request_id),
    ];
    Ok((StatusCode::CREATED, headers, Json(item)).into_response())
}

async fn read(State(service): State<Service>, Path(id): Path<i64>) -> Result<Response, Failure> {
    let row = {
        let client = service.pool.get().await?;
        let statement = client.prepare_cached(GET).await?;
        client.query_opt(&statement, &[&id]).await?
    };
    let Some(row) = row else {
        service.record("get", "not_found", Some(id), Value::Null).await?;
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let request_id = service.record("get", "ok", Some(id), json!({ "items": 1 })).await?;
    let headers = [(ETAG.as_str(), format!("\"{}\"", row.get::<_, i64>(5))), ("x-request-id", request_id)];
    Ok((headers, Json(Item::from(&row))).into_response())
}

#[derive(Deserialize)]
struct Selection {
    #[serde(default)]
    after: i64,
    limit: Option<i64>,
}

async fn list(State(service): State<Service>, Query(selection): Query<Selection>) -> Result<Response, Failure> {
    let Some(limit) = selection.limit else {
        return full_list(service, selection.after).await;
    };
    let rows = {
        let client = service.pool.get().await?;
        let statement = client.prepare_cached(PAGE).await?;
        // One more row shows that there is a next page.
        client.query(&statement, &[&selection.after, &(limit + 1)]).await?
    };
    let items: Vec<Item> = rows.iter().map(Item::from).take(usize::try_from(limit)?).collect();
    let details = json!({ "after": selection.after, "limit": limit, "items": items.len() });
    let request_id = service.record("list", "ok", None, details).await?;
    let next = items.last().filter(|_| rows.len() > items.len()).map(|last| last.id);
    let link = next.map(|last| ("link", format!("</items?limit={limit}&after={last}>; rel=\"next\"")));
    let mut response = ([("x-request-id", request_id)], Json(items)).into_response();
    if let Some((name, value)) = link {
        response.headers_mut().insert(name, value.parse()?);
    }
    Ok(response)
}

async fn full_list(service: Service, after: i64) -> Result<Response, Failure> {
    let client = service.pool.get().await?;
    let statement = client.prepare_cached(ALL).await?;
    let rows = Box::pin(client.query_raw(&statement, [after]).await?);
    let request_id = service.record("list", "ok", None, json!({ "after": after })).await?;
    let mut first = true;
    let chunks = rows.ready_chunks(CHUNK).map(move |rows| {
        // Returns the session to the pool when the last row has been sent.
        let _held = &client;
        let mut text = String::new();
        for row in rows {
            text.push(if std::mem::take(&mut first) { '[' } else { ',' });
            text += &serde_json::to_string(&Item::from(&row.map_err(std::io::Error::other)?))?;
        }
        Ok::<_, std::io::Error>(Bytes::from(text))
    });
    let end = stream::once(async { Ok(Bytes::from_static(b"]")) });
    let headers = [(CONTENT_TYPE.as_str(), "application/json".to_owned()), ("x-request-id", request_id)];
    Ok((headers, Body::from_stream(chunks.chain(end))).into_response())
}

impl Service {
    /// Sends the event of an operation to the other service and returns the request id.
    async fn record(
        &self,
        action: &str,
        outcome: &str,
        item_id: Option<i64>,
        details: Value,
    ) -> Result<String, reqwest::Error> {
        let request_id = Uuid::new_v4().to_string();
        let event = json!({
            "event_id": Uuid::new_v4().to_string(), "action": action, "outcome": outcome, "item_id": item_id,
            "request_id": request_id, "occurred_at": Utc::now(), "details": details,
        });
        self.http.post(&self.audit).json(&event).send().await?.error_for_status()?;
        Ok(request_id)
    }
}
