//! One request and its response, in the forms that the components give them.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, FromRequest, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use http_toolkit::log::{Level, Line};
use http_toolkit::{Context, Failure as _, Headers, body, causes, clock};
use shared::Error;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::items::Service;
use crate::relay;

/// A request of a client, read as a whole.
pub struct Call {
    pub service: Arc<Service>,
    pub path: String,
    pub query: Option<String>,
    pub headers: Headers,
    pub context: Context,
    method: Method,
    peer: String,
    body: Bytes,
    received: Instant,
    /// The time spent on the database, if any.
    spent: Option<Duration>,
}

impl FromRequest<Arc<Service>> for Call {
    type Rejection = Response;

    async fn from_request(request: Request, service: &Arc<Service>) -> Result<Self, Response> {
        let received = Instant::now();
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.ip().to_string());
        let headers = headers(request.headers());
        let uri = request.uri();
        let (path, query) = (uri.path().to_owned(), uri.query().map(str::to_owned));
        Ok(Self {
            service: service.clone(),
            path,
            query,
            context: Context::from_headers(&headers, || Uuid::new_v4().to_string()),
            headers,
            method: request.method().clone(),
            peer: peer.unwrap_or_default(),
            body: Bytes::from_request(request, service).await.map_err(IntoResponse::into_response)?,
            received,
            spent: None,
        })
    }
}

/// Header fields as the components read them.
pub fn headers(fields: &HeaderMap) -> Headers {
    let field = |(name, value): (&HeaderName, &HeaderValue)| (name.as_str().to_owned(), value.as_bytes().to_vec());
    Headers::new(fields.iter().map(field).collect())
}

impl Call {
    /// The body, which has to be JSON by its header.
    pub fn json(&self, limit: usize) -> Result<&[u8], http_toolkit::Error> {
        body::check_representation(&self.headers)?;
        if self.body.len() > limit { Err(http_toolkit::Error::TooLarge { limit }) } else { Ok(&self.body) }
    }

    /// Runs the one statement of an operation: `own` parameters, then those that describe the request.
    pub async fn operation(&mut self, statement: &'static str, own: &[&(dyn ToSql + Sync)]) -> Result<Row, Error> {
        let (context, peer) = (self.context.clone(), self.peer.clone());
        // Counts only behind a proxy that is trusted.
        let actor = None::<&str>;
        let parameters = [own, &[&context.request_id, &context.trace_id, &actor, &peer]].concat();
        self.row(statement, &parameters).await
    }

    /// Runs a statement that returns one row. If it obtained the lease, the relay starts.
    pub async fn row(&mut self, statement: &'static str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Row, Error> {
        let begun = Instant::now();
        let result = self.service.sessions.query(statement, parameters).await;
        *self.spent.get_or_insert_default() += begun.elapsed();
        let row = result?.ok_or(Error::Shape(statement))?;
        if let Ok(Some(holder)) = row.try_get("relay") {
            relay::start(&self.service, holder, &self.context);
        }
        Ok(row)
    }

    /// Writes the log line and makes the response.
    pub fn answer(self, route: &str, result: Result<http_toolkit::Response<'static>, items::Error>) -> Response {
        let id = &self.context.request_id;
        let (mut response, failure) = match result {
            Ok(response) => (response, None),
            Err(error) => (error.response(id), Some(causes(&error))),
        };
        if let Some(spent) = self.spent {
            response = response.header("server-timing", format!("db;dur={}", clock::milliseconds(spent)));
        }
        let status = response.status();
        let (level, message) = if status < 500 { (Level::Info, "answered") } else { (Level::Error, "failed") };
        let mut line = Line::new(level, "items", message)
            .text("request_id", id)
            .optional("trace_id", self.context.trace_id.as_deref())
            .text("method", self.method.as_str())
            .text("route", route)
            .number("status", &status.to_string())
            .number("duration_ms", &clock::milliseconds(self.received.elapsed()));
        if let Some(causes) = failure.filter(|_| status >= 500) {
            line = line.error(&causes);
        }
        // In one call, so that lines do not mix. A closed output is ignored.
        _ = std::io::stdout().lock().write_all(line.finish().as_bytes());
        native(response, id)
    }
}

/// A response with the headers that all of the components' responses carry.
pub fn native(response: http_toolkit::Response<'static>, request_id: &str) -> Response {
    let response = response.complete(request_id);
    let mut head = Response::builder().status(response.status());
    for (name, value) in response.headers() {
        head = head.header(*name, &**value);
    }
    head.body(Body::from(response.into_bytes().into_owned())).expect("header values are printable ASCII")
}
