//! Accepts connections and routes their requests.

use super::headers::Origin;
use super::request::{self, Invalid};
use super::{response, run};
use crate::application::Application;
use crate::trace::Span;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi_http::WasiBody;

/// The pause after a failed accept: without free file descriptors, for instance, trying again at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Paths under this prefix belong to the host.
const WELL_KNOWN: &str = "/.well-known/spin/";

/// Accepts connections until the application stops.
pub async fn serve(application: Arc<Application>, listener: TcpListener) {
    let connections = Arc::new(Semaphore::new(application.services.limits.connections));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&connections, &listener) => accepted,
            () = application.stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, client, place)) => {
                let connection = connection(application.clone(), stream, client);
                application.tasks.spawn(async move {
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
) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = connections.clone().acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, client) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, client, place))
}

async fn connection(application: Arc<Application>, stream: TcpStream, client: SocketAddr) {
    let service = service_fn(|request| handle(&application, request, client));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(application.services.limits.header_wait)
        .max_buf_size(application.services.limits.header_bytes)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // Errors of a connection are not logged: the client has closed it or sent no HTTP.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = application.stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        _ = connection => {}
        () = application.abort.cancelled() => {}
    }
}

/// Answers one request. An error closes the connection without a response, as in Spin.
async fn handle(
    application: &Arc<Application>,
    request: Request<Incoming>,
    client: SocketAddr,
) -> Result<Response<WasiBody>, Invalid> {
    let mut span = application.trace.request(&request, client);
    let result = route(application, request, client, &mut span).await;
    if let Err(reason) = &result {
        span.failed(reason);
    }
    span.answered(result.as_ref().map_or(StatusCode::INTERNAL_SERVER_ERROR, Response::status));
    result
}

async fn route(
    application: &Arc<Application>,
    mut request: Request<Incoming>,
    client: SocketAddr,
    span: &mut Span,
) -> Result<Response<WasiBody>, Invalid> {
    if request::head_size(&request) > application.services.limits.header_bytes {
        return Ok(response::empty(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
    }
    request::strip_internal_host(request.headers_mut());
    let path = request.uri().path().to_owned();
    if let Some(name) = path.strip_prefix(WELL_KNOWN) {
        if name != "health" {
            return Ok(response::empty(StatusCode::NOT_FOUND));
        }
        span.routed(request.method(), &path);
        return Ok(response::text("OK"));
    }
    let Some(found) = application.router.find(&path) else {
        return Ok(response::empty(StatusCode::NOT_FOUND));
    };
    span.routed(request.method(), &found.target.raw);
    request::set_host(&mut request)?;
    let component = &application.components[&found.target.component];
    if let Err(reason) = request::complete(&mut request, &Origin::Client(&found, client)) {
        let text = format!("a request is refused: {reason}");
        application.services.log.host(&component.grants.component, text);
        return Ok(response::empty(StatusCode::INTERNAL_SERVER_ERROR));
    }
    let Some(place) = application.admission.enter().await else {
        return Ok(response::busy());
    };
    Ok(run::respond(application, component, request, span.trace(), place).await)
}
