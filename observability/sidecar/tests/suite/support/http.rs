use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

pub async fn get(address: SocketAddr, path: &str) -> Answer {
    send(Request::get(format!("http://{address}{path}")).body(Full::default()).unwrap()).await
}

/// Posts an export; `encoding` is its `Content-Encoding`.
pub async fn export(address: SocketAddr, path: &str, encoding: Option<&str>, body: impl Into<Bytes>) -> Answer {
    try_export(address, path, encoding, body).await.expect("a whole answer")
}

/// `None` when the other side hung up, as it may while a body is sent that it refuses.
pub async fn try_export(
    address: SocketAddr,
    path: &str,
    encoding: Option<&str>,
    body: impl Into<Bytes>,
) -> Option<Answer> {
    let request = Request::post(format!("http://{address}{path}")).header("content-type", "application/x-protobuf");
    let request = match encoding {
        Some(encoding) => request.header("content-encoding", encoding),
        None => request,
    };
    try_send(request.body(Full::new(body.into())).unwrap()).await
}

pub async fn send(request: Request<Full<Bytes>>) -> Answer {
    try_send(request).await.expect("a whole answer")
}

/// `None` when the other side hung up.
async fn try_send(request: Request<Full<Bytes>>) -> Option<Answer> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let (head, body) = client.request(request).await.ok()?.into_parts();
    Some(Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body: body.collect().await.ok()?.to_bytes().into(),
    })
}
