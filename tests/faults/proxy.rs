//! The network between the hosts and PostgreSQL: a TCP proxy that can misbehave.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What the network does, to the connections there are and to new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    Fair,
    /// Nobody listens; what was connected is reset.
    Refusing,
    /// Packets are lost: nothing arrives until it clears up, then everything does, however late.
    Losing,
    /// Every part takes so long.
    Slow(Duration),
    Resetting,
    /// The server hears that the client has ended; the client hears nothing.
    ServerHungUp,
    /// The client hears that the server has ended; the server hears nothing.
    ClientHungUp,
}

pub struct Proxy {
    pub port: u16,
    weather: watch::Sender<Weather>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub async fn start(server: u16) -> Proxy {
        let port = free_port();
        let weather = watch::Sender::new(Weather::Fair);
        let mut tasks = JoinSet::new();
        let listener = bind(port).await;
        tasks.spawn(serve(listener, port, server, weather.subscribe()));
        Proxy { port, weather, _tasks: tasks }
    }

    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

/// A port below those that outgoing connections get: it stays free while its server is down.
pub fn free_port() -> u16 {
    let free = |port: &u16| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let start = fastrand::u16(20_000..30_000);
    (start..32_000).find(free).expect("a free port")
}

async fn bind(port: u16) -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.expect("bind the proxy's port")
}

async fn serve(mut listener: TcpListener, port: u16, server: u16, mut weather: watch::Receiver<Weather>) {
    let mut connections = JoinSet::new();
    loop {
        if *weather.borrow_and_update() == Weather::Refusing {
            drop(listener);
            let _ = weather.wait_for(|now| *now != Weather::Refusing).await;
            listener = bind(port).await;
        }
        tokio::select! {
            accepted = listener.accept() => if let Ok((client, _)) = accepted {
                connections.spawn(connect(client, server, weather.clone()));
            },
            changed = weather.changed() => if changed.is_err() { return },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connect(mut client: TcpStream, server: u16, mut weather: watch::Receiver<Weather>) {
    let _ = client.set_nodelay(true);
    if weather.wait_for(|now| *now != Weather::Losing).await.is_err() {
        return;
    }
    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await else {
        return reset(&client);
    };
    let _ = server.set_nodelay(true);
    let cut = {
        let ((client_in, client_out), (server_in, server_out)) = (client.split(), server.split());
        let there = pass(client_in, server_out, weather.clone());
        let back = pass(server_in, client_out, weather.clone());
        tokio::select! {
            _ = async { tokio::join!(there, back) } => return,
            cut = weather.wait_for(|now| !passes(*now)) => cut.map(|now| *now),
        }
    };
    match cut {
        Ok(Weather::ServerHungUp) => drop(server.shutdown().await),
        Ok(Weather::ClientHungUp) => drop(client.shutdown().await),
        _ => {
            reset(&client);
            return reset(&server);
        }
    }
    let _ = weather.wait_for(|now| passes(*now)).await;
}

fn passes(weather: Weather) -> bool {
    matches!(weather, Weather::Fair | Weather::Losing | Weather::Slow(_))
}

/// Closed with a reset, once it is dropped.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

/// One direction, until its sender has ended.
async fn pass(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut weather: watch::Receiver<Weather>) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let now = *weather.borrow();
        if let Weather::Slow(delay) = now {
            tokio::time::sleep(delay).await;
        }
        if weather.wait_for(|now| *now != Weather::Losing).await.is_err()
            || to.write_all(&bytes[..count]).await.is_err()
        {
            return;
        }
    }
    let _ = to.shutdown().await;
}
