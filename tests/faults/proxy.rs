//! The network between the hosts and PostgreSQL: a TCP proxy that can fail.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What the network does to open connections and to new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    Good,
    /// New connections are refused, open ones reset.
    Refusing,
    /// Nothing arrives until the network is good again; then everything does.
    Losing,
    /// Every read is delayed.
    Slow(Duration),
    /// Connections are reset.
    Resetting,
    /// The server sees the client close the connection; the client sees nothing.
    ServerHungUp,
    /// The client sees the server close the connection; the server sees nothing.
    ClientHungUp,
}

/// A running proxy.
pub struct Proxy {
    pub port: u16,
    network: watch::Sender<Network>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// Starts one for the server on a port of this machine.
    pub async fn start(server: u16) -> Proxy {
        let port = free_port();
        let network = watch::Sender::new(Network::Good);
        let mut tasks = JoinSet::new();
        let listener = bind(port).await;
        tasks.spawn(serve(listener, port, server, network.subscribe()));
        Proxy { port, network, _tasks: tasks }
    }

    /// Changes what the network does.
    pub fn set(&self, network: Network) {
        self.network.send_replace(network);
    }
}

/// A free port below those that outgoing connections get: it stays free while its server is down.
pub fn free_port() -> u16 {
    let free = |port: &u16| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let start = fastrand::u16(20_000..30_000);
    (start..32_000).find(free).expect("a free port")
}

async fn bind(port: u16) -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.expect("bind the proxy's port")
}

async fn serve(mut listener: TcpListener, port: u16, server: u16, mut network: watch::Receiver<Network>) {
    let mut connections = JoinSet::new();
    loop {
        if *network.borrow_and_update() == Network::Refusing {
            drop(listener);
            let _ = network.wait_for(|now| *now != Network::Refusing).await;
            listener = bind(port).await;
        }
        tokio::select! {
            accepted = listener.accept() => if let Ok((client, _)) = accepted {
                connections.spawn(connect(client, server, network.clone()));
            },
            changed = network.changed() => if changed.is_err() { return },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connect(mut client: TcpStream, server: u16, mut network: watch::Receiver<Network>) {
    let _ = client.set_nodelay(true);
    if network.wait_for(|now| *now != Network::Losing).await.is_err() {
        return;
    }
    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await else {
        return reset(&client);
    };
    let _ = server.set_nodelay(true);
    let cut = {
        let ((client_in, client_out), (server_in, server_out)) = (client.split(), server.split());
        let there = pass(client_in, server_out, network.clone());
        let back = pass(server_in, client_out, network.clone());
        tokio::select! {
            _ = async { tokio::join!(there, back) } => return,
            cut = network.wait_for(|now| !passes(*now)) => cut.map(|now| *now),
        }
    };
    match cut {
        Ok(Network::ServerHungUp) => drop(server.shutdown().await),
        Ok(Network::ClientHungUp) => drop(client.shutdown().await),
        _ => {
            reset(&client);
            return reset(&server);
        }
    }
    let _ = network.wait_for(|now| passes(*now)).await;
}

fn passes(network: Network) -> bool {
    matches!(network, Network::Good | Network::Losing | Network::Slow(_))
}

/// Makes dropping the stream reset the connection.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

/// Copies one direction until its sender ends.
async fn pass(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut network: watch::Receiver<Network>) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let now = *network.borrow();
        if let Network::Slow(delay) = now {
            tokio::time::sleep(delay).await;
        }
        if network.wait_for(|now| *now != Network::Losing).await.is_err()
            || to.write_all(&bytes[..count]).await.is_err()
        {
            return;
        }
    }
    let _ = to.shutdown().await;
}
