//! Accepts connections and routes their requests.

use super::body::{Received, Unread, linger};
use super::headers::Origin;
use super::response::CLOSE;
use super::{request, response, run};
use crate::application::Application;
use crate::trace::Span;
use http::header::CONNECTION;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
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
    let unread = Unread::new(application.runtime.clone());
    let service = service_fn(|request| handle(&application, request, client, &unread));
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(application.services.limits.header_wait)
        .max_buf_size(application.services.limits.header_bytes)
        .serve_connection(TokioIo::new(stream), service);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = application.stop.cancelled() => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            tokio::select! { ended = &mut connection => ended, () = application.abort.cancelled() => return }
        }
    };
    // Errors of a connection are not logged: the client has closed it or sent no HTTP.
    if ended.map_or_else(|error| error.is_parse(), |()| unread.is_left()) {
        let stream = connection.into_parts().io.into_inner();
        tokio::select! { () = linger(stream) => {}, () = application.abort.cancelled() => {} }
    }
}

/// Answers one request.
async fn handle(
    application: &Arc<Application>,
    request: Request<Incoming>,
    client: SocketAddr,
    unread: &Arc<Unread>,
) -> Result<Response<WasiBody>, Infallible> {
    let mut span = application.trace.request(&request, client);
    let mut response = route(application, unread.begin(request), client, &mut span).await;
    span.answered(response.status());
    if unread.closes(response.status()) {
        response.headers_mut().insert(CONNECTION, CLOSE);
    }
    Ok(response)
}

async fn route(
    application: &Arc<Application>,
    mut request: Request<Received>,
    client: SocketAddr,
    span: &mut Span,
) -> Response<WasiBody> {
    if request::head_size(&request) > application.services.limits.header_bytes {
        return response::empty(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
    request::strip_internal_host(request.headers_mut());
    let path = request.uri().path().to_owned();
    if let Some(name) = path.strip_prefix(WELL_KNOWN) {
        if name != "health" {
            return response::empty(StatusCode::NOT_FOUND);
        }
        span.routed(request.method(), &path);
        return response::text("OK");
    }
    let Some(found) = application.router.find(&path) else {
        return response::empty(StatusCode::NOT_FOUND);
    };
    span.routed(request.method(), &found.target.raw);
    let component = &application.components[&found.target.component];
    let origin = Origin::Client(&found, client);
    if let Err(reason) = request::set_host(&mut request).and_then(|()| request::complete(&mut request, &origin)) {
        span.refused(reason.cause());
        return response::invalid(&application.services.log, component, &reason);
    }
    let Some(place) = application.admission.enter().await else {
        return response::busy();
    };
    request.body_mut().pass();
    run::respond(application, component, request, span.trace(), place).await
}
