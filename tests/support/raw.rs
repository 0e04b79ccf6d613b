//! HTTP as bytes on a socket, for requests that no client library sends.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(10);

/// What came back until the server closed the connection.
#[derive(Debug)]
pub struct RawAnswer {
    /// `None`: the connection was closed without an answer.
    pub status: Option<u16>,
    /// Status line and headers.
    pub head: String,
    /// What followed, as sent: chunk sizes are still in it.
    pub body: String,
}

/// Sends `request` as it is and reads until the server closes. Ask for `Connection: close`, or the deadline is reached.
///
/// # Panics
/// When the server neither answers nor closes within ten seconds.
pub async fn exchange(address: SocketAddr, request: impl AsRef<[u8]>) -> RawAnswer {
    let mut stream = TcpStream::connect(address).await.expect("connect to the host");
    // A server that has refused the head may close before it has read the body.
    let _ = stream.write_all(request.as_ref()).await;
    let mut bytes = Vec::new();
    match timeout(DEADLINE, stream.read_to_end(&mut bytes)).await {
        Ok(_) => RawAnswer::parse(&bytes),
        Err(_) => panic!("connection still open after {DEADLINE:?}; so far: {}", String::from_utf8_lossy(&bytes)),
    }
}

impl RawAnswer {
    fn parse(bytes: &[u8]) -> RawAnswer {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
        RawAnswer { status, head: head.into(), body: body.into() }
    }

    /// The value of a header, without regard to its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }
}

/// A port of this machine on which nothing listens: it was free a moment ago.
pub async fn closed_port() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bind");
    listener.local_addr().expect("an address").port().to_string()
}
