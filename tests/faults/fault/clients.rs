//! Clients misbehave: they hang up, or read slowly.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::{sleep, timeout};

use crate::history::{Operation, Seen, request_id};
use crate::hosts::HOSTS;
use crate::system::System;

/// Small, so that the server soon has to wait for the reader.
const RECEIVE_BUFFER: u32 = 8 << 10;
const READERS: usize = 20;

/// Clients that send a complete create and close the connection; half of them repeat it with the same key.
pub async fn hang_up(system: &System, lasting: Duration, rng: &mut fastrand::Rng) -> String {
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < lasting {
        let name = format!("hang-up {:x}", rng.u64(..));
        let operation = Operation::Create { key: name.replace(' ', "-"), name: name.clone() };
        count += usize::from(send_and_go(system, &operation, &name, rng).await.is_some());
        if rng.bool() {
            system.client.operate(rng, operation, || begun.elapsed() > lasting).await;
        }
    }
    format!("{count} clients hung up")
}

async fn send_and_go(system: &System, operation: &Operation, name: &str, rng: &mut fastrand::Rng) -> Option<()> {
    let address = system.hosts.address(rng.usize(..HOSTS))?;
    let mut stream = TcpSocket::new_v4().ok()?.connect(address).await.ok()?;
    let number = system.history.begin(operation.clone());
    let body = json!({ "name": name, "description": "" }).to_string();
    let request = format!(
        "POST /items HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Idempotency-Key: {}\r\nX-Request-Id: {}\r\n\r\n{body}",
        body.len(),
        name.replace(' ', "-"),
        request_id(number),
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    sleep(Duration::from_micros(rng.u64(..10_000))).await;
    if rng.bool() {
        let _ = stream.set_zero_linger();
    }
    Some(())
}

/// Clients that read the full list a little at a time; some never reach its end.
pub async fn read_slowly(system: &System, lasting: Duration, rng: &mut fastrand::Rng) -> String {
    let rngs: Vec<_> = (0..READERS).map(|_| rng.fork()).collect();
    let readers = rngs.into_iter().map(|rng| read_one(system, lasting, rng));
    let heads = futures::future::join_all(readers).await.into_iter().flatten().count();
    format!("{heads} of {READERS} slow readers received a head")
}

async fn read_one(system: &System, lasting: Duration, mut rng: fastrand::Rng) -> Option<()> {
    let address = system.hosts.address(rng.usize(..HOSTS))?;
    let socket = TcpSocket::new_v4().ok()?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER).ok()?;
    let mut stream = timeout(lasting, socket.connect(address)).await.ok()?.ok()?;
    let number = system.history.begin(Operation::List);
    let id = request_id(number);
    let request = format!("GET /items HTTP/1.1\r\nHost: {address}\r\nX-Request-Id: {id}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let begun = Instant::now();
    let mut bytes = vec![0; 2048];
    let mut head = None;
    while begun.elapsed() < lasting {
        let read = timeout(lasting.saturating_sub(begun.elapsed()), stream.read(&mut bytes)).await;
        let Ok(Ok(count @ 1..)) = read else { break };
        if head.is_none() && bytes[..count].starts_with(b"HTTP/1.1 200") {
            head = Some(());
            system.history.end(number, Seen::Head(200));
        }
        sleep(Duration::from_millis(rng.u64(20..200))).await;
    }
    head
}
