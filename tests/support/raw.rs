//! HTTP as bytes on a socket, for requests that no client library sends.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::SOON;

/// Everything that came until the server closed the connection.
#[derive(Debug)]
pub struct RawResponse {
    /// `None` if the connection was closed without a response.
    pub status: Option<u16>,
    /// Status line and headers.
    pub head: String,
    /// Everything after the head, chunk sizes included.
    pub body: String,
}

impl RawResponse {
    pub(crate) async fn read(address: SocketAddr, request: &[u8]) -> RawResponse {
        let mut stream = TcpStream::connect(address).await.expect("connect to the host");
        // A server that refuses the head may close the connection before it has read the body.
        let _ = stream.write_all(request).await;
        let mut bytes = Vec::new();
        let end = timeout(SOON, stream.read_to_end(&mut bytes)).await;
        let text = String::from_utf8_lossy(&bytes);
        assert!(end.is_ok(), "connection still open after {SOON:?}; so far: {text}");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
        RawResponse { status, head: head.into(), body: body.into() }
    }

    /// The value of a header; its case does not matter.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }
}

/// A port of this machine on which nothing listens: it was free a moment ago.
pub fn closed_port() -> String {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
    listener.local_addr().expect("an address").port().to_string()
}
