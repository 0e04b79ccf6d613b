//! Exports that are passed on to another receiver.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sidecar::Sidecar;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::rejections::gzip;
use crate::support::otlp::{request, traces};
use crate::support::{GRACE, NO_DATABASE, Scrape, config, eventually, export, start};

/// A sidecar that forwards to `target`.
async fn forwarding(target: impl std::fmt::Display) -> Sidecar {
    let mut config = config(NO_DATABASE);
    config.forward = Some(format!("http://{target}"));
    start(config).await
}

/// Another receiver, and the requests that it gets.
async fn receiver() -> (SocketAddr, mpsc::UnboundedReceiver<(Parts, Bytes)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, received) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let sender = sender.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let sender = sender.clone();
                async move {
                    let (head, body) = request.into_parts();
                    sender.send((head, body.collect().await.unwrap().to_bytes())).unwrap();
                    Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    (address, received)
}

#[tokio::test]
async fn accepted_exports_are_passed_on_unchanged_and_rejected_ones_are_not() {
    let (address, mut received) = receiver().await;
    let sidecar = forwarding(format!("{address}/prefix/")).await;
    assert_eq!(export(&sidecar, "/v1/traces", None, b"no".into()).await.0, 400);
    let spans = traces(vec![request("GET", "/items", "200", 1)]);
    for (path, encoding, body) in [
        ("/v1/traces", None, spans.clone()),
        ("/v1/traces", Some("gzip"), gzip(&spans)),
        ("/v1/metrics", None, b"any".to_vec()),
        ("/v1/logs", None, b"any".to_vec()),
    ] {
        assert_eq!(export(&sidecar, path, encoding, body.clone()).await.0, 200);
        let (head, passed_on) = received.recv().await.unwrap();
        assert_eq!((head.method.as_str(), head.uri.path()), ("POST", format!("/prefix{path}").as_str()));
        assert_eq!(head.headers["content-type"], "application/x-protobuf");
        assert_eq!(head.headers.get("content-encoding").map(|value| value.to_str().unwrap()), encoding);
        assert_eq!(passed_on, body);
    }
    eventually("four exports passed on", &sidecar, |scrape| {
        scrape.value(r#"otlp_forwarded_exports_total{outcome="ok"}"#) == Some(4.0)
    })
    .await;
}

#[tokio::test]
async fn a_receiver_that_hangs_delays_no_sender_and_dropped_exports_are_counted() {
    // It accepts connections and never responds.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sidecar = forwarding(listener.local_addr().unwrap()).await;
    let large = vec![0; 6 << 20];
    let begin = Instant::now();
    for _ in 0..6 {
        assert_eq!(export(&sidecar, "/v1/logs", None, large.clone()).await.0, 200);
    }
    assert!(begin.elapsed() < GRACE, "{:?}", begin.elapsed());
    let dropped = Scrape::of(&sidecar).await.value(r#"otlp_forwarded_exports_total{outcome="dropped"}"#);
    assert_eq!(dropped, Some(4.0), "two of six fit into 16 MiB");
}

#[tokio::test]
async fn an_export_to_an_unreachable_receiver_counts_as_failed() {
    let sidecar = forwarding("127.0.0.1:1").await;
    assert_eq!(export(&sidecar, "/v1/traces", None, vec![]).await.0, 200);
    eventually("a failure", &sidecar, |scrape| {
        scrape.value(r#"otlp_forwarded_exports_total{outcome="failed"}"#) == Some(1.0)
    })
    .await;
}

#[tokio::test]
async fn waiting_exports_are_passed_on_before_the_sidecar_stops() {
    let (address, mut received) = receiver().await;
    let sidecar = forwarding(address).await;
    for _ in 0..20 {
        assert_eq!(export(&sidecar, "/v1/logs", None, b"x".into()).await.0, 200);
    }
    sidecar.shutdown(GRACE).await;
    assert_eq!(received.recv_many(&mut Vec::new(), 100).await, 20);
}
