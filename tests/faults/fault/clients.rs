//! Clients misbehave: they hang up, or read slowly.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::{sleep, timeout};

use crate::history::{Act, Told, request_id};
use crate::hosts::HOSTS;
use crate::world::World;

/// Small, so that the server feels at once that nobody reads.
const RECEIVE_BUFFER: u32 = 8 << 10;
const READERS: usize = 20;

/// Clients that send a whole create and are gone; half of them come back with the same key.
pub async fn hang_up(world: &World, lasting: Duration, rng: &mut fastrand::Rng) -> String {
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < lasting {
        let name = format!("hang-up {:x}", rng.u64(..));
        let act = Act::Create { key: name.replace(' ', "-"), name: name.clone() };
        count += usize::from(send_and_go(world, &act, &name, rng).await.is_some());
        if rng.bool() {
            world.client.operate(rng, act, || begun.elapsed() > lasting).await;
        }
    }
    format!("{count} clients hung up")
}

async fn send_and_go(world: &World, act: &Act, name: &str, rng: &mut fastrand::Rng) -> Option<()> {
    let address = world.hosts.address(rng.usize(..HOSTS))?;
    let mut stream = TcpSocket::new_v4().ok()?.connect(address).await.ok()?;
    let number = world.client.history.begin(act.clone());
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

/// Clients that ask for the whole list and take a little at a time; some never come to the end.
pub async fn read_slowly(world: &World, lasting: Duration, rng: &mut fastrand::Rng) -> String {
    let rngs: Vec<_> = (0..READERS).map(|_| rng.fork()).collect();
    let readers = rngs.into_iter().map(|rng| read_one(world, lasting, rng));
    let heads = futures::future::join_all(readers).await.into_iter().flatten().count();
    format!("{heads} of {READERS} slow readers got a head")
}

async fn read_one(world: &World, lasting: Duration, mut rng: fastrand::Rng) -> Option<()> {
    let address = world.hosts.address(rng.usize(..HOSTS))?;
    let socket = TcpSocket::new_v4().ok()?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER).ok()?;
    let mut stream = timeout(lasting, socket.connect(address)).await.ok()?.ok()?;
    let number = world.client.history.begin(Act::List);
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
            world.client.history.end(number, Told::Head(200));
        }
        sleep(Duration::from_millis(rng.u64(20..200))).await;
    }
    head
}
