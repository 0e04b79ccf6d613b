//! The handler of `components/audit`, over this program's sessions.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::post;
use http_toolkit::Failure as _;
use shared::audit_api::{MAX_BODY, PATH};

use crate::call::{headers, native};
use crate::database::Sessions;

pub fn routes(sessions: Sessions) -> Router {
    Router::new().route(PATH, post(store)).layer(DefaultBodyLimit::max(MAX_BODY)).with_state(sessions)
}

async fn store(State(sessions): State<Sessions>, fields: HeaderMap, body: Bytes) -> Response {
    let headers = headers(&fields);
    let request_id = headers.only("x-request-id").unwrap_or_default();
    let response = stored(&sessions, body).await.unwrap_or_else(|error| error.response(request_id));
    native(response, request_id)
}

async fn stored(sessions: &Sessions, body: Bytes) -> Result<http_toolkit::Response<'static>, audit::Error> {
    let events = audit::event::parse(body.into())?;
    let stored = sessions.query(audit::store::STORE, &[&events]).await;
    stored.map_err(|error| if error.is_refusal() { audit::Error::Refused(error) } else { error.into() })?;
    Ok(http_toolkit::Response::new(204))
}
