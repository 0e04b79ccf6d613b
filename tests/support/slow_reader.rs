//! A client that reads an answer at its own pace: a little, then nothing, then the rest or never.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// How long the server may take for the next bytes.
const DEADLINE: Duration = Duration::from_secs(15);
/// Small, so that the server feels at once that nobody reads.
const RECEIVE_BUFFER: u32 = 8 << 10;

/// A connection with one request on it whose answer is read as far as the test wants. Dropping it hangs up.
pub struct SlowReader {
    stream: TcpStream,
    bytes: Vec<u8>,
}

/// What came until the server closed the connection.
#[derive(Debug)]
pub struct Streamed {
    pub status: u16,
    /// The content, chunk framing removed.
    pub body: String,
    /// Whether all of the announced length came, or the last chunk: only then may a client take the body for the whole answer.
    pub whole: bool,
}

impl SlowReader {
    /// Sends `GET path` and reads nothing yet.
    pub async fn get(address: SocketAddr, path: &str) -> SlowReader {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(RECEIVE_BUFFER).expect("a small receive buffer");
        let mut stream = socket.connect(address).await.expect("connect to the host");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("send the request");
        SlowReader { stream, bytes: Vec::new() }
    }

    /// Reads until the head and the beginning of the body are there.
    ///
    /// # Panics
    /// When the answer ends before, or does not come in time.
    pub async fn begin(&mut self) {
        while self.body_start().is_none_or(|start| self.bytes.len() < start + 64) {
            assert!(self.read().await > 0, "the answer ends early: {}", String::from_utf8_lossy(&self.bytes));
        }
    }

    /// Reads until the server closes.
    ///
    /// # Panics
    /// When nothing comes for 15 seconds, and when the head does not tell where the body ends.
    pub async fn finish(mut self) -> Streamed {
        while self.read().await > 0 {}
        let start =
            self.body_start().unwrap_or_else(|| panic!("no whole head: {}", String::from_utf8_lossy(&self.bytes)));
        let head = String::from_utf8_lossy(&self.bytes[..start]).to_lowercase();
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or_else(|| panic!("no status: {head}"));
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let (body, whole) = match length.map(str::parse::<usize>) {
            Some(Ok(length)) => (self.bytes[start..].to_vec(), self.bytes.len() - start == length),
            None if head.contains("\r\ntransfer-encoding: chunked\r\n") => unchunk(&self.bytes[start..]),
            _ => panic!("no end of the body to be known by: {head}"),
        };
        Streamed { status, body: String::from_utf8_lossy(&body).into_owned(), whole }
    }

    fn body_start(&self) -> Option<usize> {
        self.bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|position| position + 4)
    }

    /// 0 when the server has closed; a reset counts as that.
    async fn read(&mut self) -> usize {
        match timeout(DEADLINE, self.stream.read_buf(&mut self.bytes)).await {
            Ok(read) => read.unwrap_or(0),
            Err(_) => panic!("nothing comes for {DEADLINE:?} after {} bytes", self.bytes.len()),
        }
    }
}

/// The content of a chunked body (RFC 9112, section 7.1), and whether its last chunk is there with nothing behind it.
fn unchunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut content = Vec::new();
    loop {
        let Some(line) = rest.windows(2).position(|window| window == b"\r\n") else { return (content, false) };
        let size = std::str::from_utf8(&rest[..line]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        let size = size.unwrap_or_else(|| panic!("not a chunk size: {:?}", String::from_utf8_lossy(&rest[..line])));
        rest = &rest[line + 2..];
        if size == 0 {
            return (content, rest == b"\r\n");
        }
        content.extend_from_slice(&rest[..size.min(rest.len())]);
        match rest.get(size..).and_then(|rest| rest.strip_prefix(b"\r\n")) {
            Some(next) => rest = next,
            None => return (content, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_body_is_whole_only_with_its_last_chunk() {
        for (body, content, whole) in [
            ("5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", "hello!", true),
            ("0\r\n\r\n", "", true),
            ("5\r\nhello\r\n", "hello", false),
            ("5\r\nhello\r\n0\r\n", "hello", false),
            ("5\r\nhel", "hel", false),
            ("a", "", false),
            ("", "", false),
        ] {
            assert_eq!(unchunk(body.as_bytes()), (content.into(), whole), "{body:?}");
        }
    }
}
