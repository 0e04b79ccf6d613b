//! The public API, as far as it is measured: the handlers of `components/items`, over this program's sessions.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http_toolkit::Response;
use items::store::{Backlog, CREATE, GET, LIST, READY, STATEMENTS};
use items::{Error, headers, input, query};
use shared::database::LACKING;

use crate::call::Call;
use crate::database::Sessions;

/// What the requests share.
pub struct Service {
    pub sessions: Sessions,
    pub http: reqwest::Client,
    /// The URL of the other service.
    pub audit: String,
}

/// A handler of axum: the response of `$handle` to a call, and its log line with `$route`.
macro_rules! handler {
    ($route:literal, $handle:ident) => {
        |mut call: Call| async move {
            let result = $handle(&mut call).await;
            call.answer($route, result)
        }
    };
}

/// What the twin answers.
pub fn routes(sessions: Sessions, audit: String) -> Router {
    let service = Service { sessions, http: reqwest::Client::new(), audit };
    Router::new()
        .route("/livez", get(handler!("/livez", liveness)))
        .route("/readyz", get(handler!("/readyz", readiness)))
        .route("/items", get(handler!("/items", page)).post(handler!("/items", create)))
        .route("/items/{id}", get(handler!("/items/{id}", read)))
        .with_state(Arc::new(service))
}

async fn liveness(_: &mut Call) -> Result<Response<'static>, Error> {
    Ok(Response::new(200).text("ok\n".to_owned()).header("cache-control", "no-store"))
}

async fn readiness(call: &mut Call) -> Result<Response<'static>, Error> {
    let backlog = backlog(call).await.map_err(shared::Error::not_ready)?;
    Ok(Response::new(200).text(items::handlers::health::report(&backlog)).header("cache-control", "no-store"))
}

async fn backlog(call: &mut Call) -> Result<Backlog, shared::Error> {
    let lacking: Option<String> = call.row(LACKING, &[&STATEMENTS.concat()]).await?.get(0);
    if let Some(functions) = lacking {
        return Err(shared::Error::Lacking(functions));
    }
    let row = call.row(READY, &[]).await?;
    Ok(Backlog { waiting: row.get(0), oldest_seconds: row.get(1), failing: row.get(2) })
}

async fn create(call: &mut Call) -> Result<Response<'static>, Error> {
    query::none(call.query.as_deref())?;
    let key = headers::idempotency_key(&call.headers)?.map(str::to_owned);
    let input = input::parse(call.json(input::MAX_BODY)?)?;
    let row = call.operation(CREATE, &[&input.name, &input.description, &key]).await?;
    let outcome: &str = row.get(0);
    if outcome == "key_conflict" {
        return Err(Error::KeyConflict);
    }
    let response = item(201, row.get(2), row.get(3)).header("location", format!("/items/{}", row.get::<_, i64>(1)));
    Ok(if outcome == "replayed" { response.header("idempotency-replayed", "true") } else { response })
}

async fn read(call: &mut Call) -> Result<Response<'static>, Error> {
    let id = query::id(call.path.trim_start_matches("/items/"))?;
    query::none(call.query.as_deref())?;
    let none_match = headers::if_none_match(&call.headers)?;
    let row = call.operation(GET, &[&id, &none_match]).await?;
    match row.get(0) {
        "ok" => Ok(item(200, row.get(1), row.get(2))),
        "not_modified" => Ok(Response::new(304).header("etag", etag(row.get(1)))),
        _ => Err(Error::NotFound(id)),
    }
}

/// One page. The full list is not measured.
async fn page(call: &mut Call) -> Result<Response<'static>, Error> {
    let selection = query::selection(call.query.as_deref())?;
    let limit = selection.limit.ok_or_else(|| Error::Malformed("limit: the twin answers pages only.".to_owned()))?;
    let row = call.operation(LIST, &[&selection.after, &limit]).await?;
    let response = Response::new(200).json(row.get(0));
    Ok(match row.get::<_, Option<i64>>(1) {
        Some(next) => response.header("link", format!("</items?limit={limit}&after={next}>; rel=\"next\"")),
        None => response,
    })
}

fn item(status: u16, tag: &str, json: &str) -> Response<'static> {
    Response::new(status).json(json.to_owned()).header("etag", etag(tag))
}

fn etag(tag: &str) -> String {
    format!("\"{tag}\"")
}
