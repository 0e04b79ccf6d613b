use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

const PERIOD: Duration = Duration::from_secs(1);
/// The request id of these requests, by which [`crate::console`] recognises their log lines.
pub(crate) const REQUEST_ID: &str = "stack-readiness";

/// Asks `/readyz` every second, as the probe of a cluster would: each time, the application relays audit events that
/// wait.
pub(crate) struct Readiness {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Readiness {
    pub(crate) fn start(address: SocketAddr) -> Self {
        let task = tokio::spawn(async move {
            let mut ticks = interval(PERIOD);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                ask(address).await;
            }
        });
        Self { address, task }
    }

    /// Asks once more, for the events of the last requests.
    pub(crate) async fn stop(self) {
        self.task.abort();
        ask(self.address).await;
    }
}

/// One `GET /readyz`. Its response is ignored: people and probes read it, this program only wants its effect.
async fn ask(address: SocketAddr) {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        let head = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nX-Request-Id: {REQUEST_ID}\r\n");
        stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).await?;
        stream.take(64 * 1024).read_to_end(&mut Vec::new()).await
    };
    let _ = timeout(Duration::from_secs(5), exchange).await;
}
