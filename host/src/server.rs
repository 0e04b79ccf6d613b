//! The HTTP/1.1 server.

use crate::app::App;
use crate::request::{self, Unfit};
use crate::route::{Origin, WELL_KNOWN};
use crate::run;
use crate::trace::Span;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use wasmtime_wasi_http::{Error, WasiBody};

/// After a failed accept, for instance without free file descriptors, trying again at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Seconds a client should wait after a 503.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// Accepts connections until the application stops.
pub async fn serve(app: Arc<App>, listener: TcpListener) {
    let connections = Arc::new(Semaphore::new(app.limits.connections));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&connections, &listener) => accepted,
            () = app.stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, client, place)) => {
                let connection = connection(app.clone(), stream, client);
                app.tasks.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn accept(
    connections: &Arc<Semaphore>,
    listener: &TcpListener,
) -> std::io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = connections.clone().acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, client) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, client, place))
}

async fn connection(app: Arc<App>, stream: TcpStream, client: SocketAddr) {
    let service = service_fn(|request| handle(&app, request, client));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(app.limits.header_wait)
        .max_buf_size(app.limits.header_bytes)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // A connection that breaks is the client's affair.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = app.stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        _ = connection => {}
        () = app.abort.cancelled() => {}
    }
}

/// Answers one request. An error closes the connection without an answer, as Spin does.
async fn handle(app: &Arc<App>, request: Request<Incoming>, client: SocketAddr) -> Result<Response<WasiBody>, Unfit> {
    let mut span = app.trace.request(&request, client);
    let result = route(app, request, client, &mut span).await;
    if let Err(reason) = &result {
        span.failed(reason);
    }
    span.answered(result.as_ref().map_or(StatusCode::INTERNAL_SERVER_ERROR, Response::status));
    result
}

async fn route(
    app: &Arc<App>,
    mut request: Request<Incoming>,
    client: SocketAddr,
    span: &mut Span,
) -> Result<Response<WasiBody>, Unfit> {
    if request::head_size(&request) > app.limits.header_bytes {
        return Ok(run::empty(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
    }
    request::strip_internal_host(request.headers_mut());
    let path = request.uri().path().to_owned();
    if let Some(name) = path.strip_prefix(WELL_KNOWN) {
        let known = well_known(app, name).inspect(|_| span.routed(request.method(), &path));
        return Ok(known.unwrap_or_else(|| run::empty(StatusCode::NOT_FOUND)));
    }
    let Some(found) = app.router.find(&path) else {
        return Ok(run::empty(StatusCode::NOT_FOUND));
    };
    span.routed(request.method(), &found.target.raw);
    request::set_host(&mut request)?;
    let component = &app.components[&found.target.component];
    if let Err(reason) = request::complete(&mut request, &Origin::Client(&found, client)) {
        app.log.host(&component.id, format!("a request is refused: {reason}"));
        return Ok(run::empty(StatusCode::INTERNAL_SERVER_ERROR));
    }
    let Some(place) = app.admission.enter().await else {
        return Ok(busy());
    };
    Ok(run::respond(app, component, request, 0, span.trace(), place).await)
}

/// The answer when no guest can be started in time.
pub fn busy() -> Response<WasiBody> {
    let mut response = run::empty(StatusCode::SERVICE_UNAVAILABLE);
    response.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS);
    response
}

fn well_known(app: &App, name: &str) -> Option<Response<WasiBody>> {
    match name {
        "health" => Some(full("OK")),
        "info" => {
            let mut info = serde_json::Map::new();
            info.insert("name".to_owned(), app.name.clone().into());
            if let Some(version) = &app.version {
                info.insert("version".to_owned(), version.clone().into());
            }
            let mut response = full(format!("{:#}", serde_json::Value::Object(info)));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Some(response)
        }
        _ => None,
    }
}

fn full(body: impl Into<Bytes>) -> Response<WasiBody> {
    Response::new(Full::new(body.into()).map_err(Error::from).boxed_unsync())
}
