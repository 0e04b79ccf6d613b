//! An application of probes on a free port, and a client that shows responses as they arrive.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use host::{Config, Limits, Lines, Log};
use stack::{Host, Kind};
use support::root;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// No step of these tests takes longer, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A public component, a private one, and routes of each form.
const MANIFEST: &str = r#"
spin_manifest_version = 2

[application]
name = "probes"

[variables]
word = { default = "default" }

[[trigger.http]]
route = "/..."
component = "probe"

[[trigger.http]]
route = "/hello"
component = "probe"

[[trigger.http]]
route = "/of/:owner_id/..."
component = "probe"

[[trigger.http]]
route = { private = true }
component = "inner"

[component.probe]
description = "does what requests say"
source = "PROBE"
allowed_outbound_hosts = [ALLOWED]

[component.probe.variables]
word = "<{{ word }}>"

[component.inner]
source = "PROBE"
allowed_outbound_hosts = ["http://inner.spin.internal"]
"#;

/// A running application of probes.
pub struct Application {
    host: Host,
    pub lines: Lines,
    _folder: TempDir,
}

/// Starts the probes; `allowed` are the entries of `probe`'s allow list.
pub async fn start(allowed: &[&str]) -> Application {
    start_with(allowed, |_| {}).await
}

/// As [`start`], with other limits.
pub async fn start_with(allowed: &[&str], change: impl FnOnce(&mut Limits)) -> Application {
    start_manifest(&manifest(allowed), change).await
}

/// Starts the application of a manifest.
pub async fn start_manifest(manifest: &str, change: impl FnOnce(&mut Limits)) -> Application {
    let folder = tempfile::tempdir().expect("a folder for the manifest");
    std::fs::write(folder.path().join("spin.toml"), manifest).expect("the manifest must be written");
    let (log, lines) = Log::collect();
    let mut config = Config::new(folder.path());
    config.listen.set_port(0);
    config.log = log;
    change(&mut config.limits);
    let host = Host::start(support::kind(), config).await.expect("the probes must start");
    Application { host, lines, _folder: folder }
}

/// The manifest of the probes.
pub fn manifest(allowed: &[&str]) -> String {
    let entries: Vec<_> = allowed.iter().map(|entry| format!("{entry:?}")).collect();
    MANIFEST.replace("PROBE", &probe().display().to_string()).replace("ALLOWED", &entries.join(", "))
}

/// The compiled probe.
pub fn probe() -> PathBuf {
    let probe = root().join("target/wasm32-wasip1/release/probe.wasm");
    assert!(probe.exists(), "{} is missing; fix: scripts/build-components.sh probe", probe.display());
    probe
}

impl Application {
    pub fn address(&self) -> SocketAddr {
        self.host.address()
    }

    pub async fn get(&self, path: &str) -> Response {
        get(self.address(), path).await
    }

    pub async fn send(&self, request: impl AsRef<[u8]>) -> Response {
        send(self.address(), request).await
    }

    pub async fn open(&self, request: impl AsRef<[u8]>) -> TcpStream {
        open(self.address(), request).await
    }

    /// What the probe reports about a call to `url`; `more` are further parameters.
    pub async fn fetch(&self, url: &str, more: &str) -> String {
        self.get(&format!("/fetch?url={}{more}", escape(url))).await.body
    }

    /// Waits for a line of the embedded host about `component`, or that this wrote. Spin has words of its own.
    pub async fn reported(&self, component: &str, text: &str) {
        if support::kind() == Kind::Embedded {
            assert_eq!(&*self.line(text).await.component, component, "{text}");
        }
    }

    /// Waits for a line of the log.
    pub async fn line(&self, text: &str) -> host::Line {
        match self.lines.wait_for(text, PATIENCE).await {
            Some(line) => line,
            None => panic!("no line with {text:?} among {:#?}", self.lines.all()),
        }
    }
}

pub async fn get(address: SocketAddr, path: &str) -> Response {
    send(address, &format!("GET {path} HTTP/1.1\r\nHost: probes.example\r\nConnection: close\r\n\r\n")).await
}

/// Sends a request as it stands and reads until the connection closes.
async fn send(address: SocketAddr, request: impl AsRef<[u8]>) -> Response {
    let mut stream = open(address, request).await;
    let mut bytes = Vec::new();
    let reading = stream.read_to_end(&mut bytes);
    // A reset shows as an error; the bytes before it count.
    let _ = tokio::time::timeout(PATIENCE, reading).await.expect("the connection must end");
    Response::parse(&bytes)
}

/// Sends a request and leaves the response in the connection.
pub async fn open(address: SocketAddr, request: impl AsRef<[u8]>) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("the host must accept");
    stream.write_all(request.as_ref()).await.expect("the request must be sent");
    stream
}

/// A response as far as it arrived.
#[derive(Debug, Default)]
pub struct Response {
    /// 0 when nothing arrived at all.
    pub status: u16,
    pub head: String,
    pub body: String,
    /// The body ended as its framing says; otherwise a client knows that something is missing.
    pub complete: bool,
}

impl Response {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let Some((head, rest)) = text.split_once("\r\n\r\n") else {
            return Self::default();
        };
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let head = head.to_ascii_lowercase();
        let (body, complete) =
            if head.contains("transfer-encoding: chunked") { unchunk(rest) } else { sized(&head, rest) };
        Self { status, head, body, complete }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

fn sized(head: &str, body: &str) -> (String, bool) {
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    (body.to_owned(), length == Some(body.len()))
}

fn unchunk(mut rest: &str) -> (String, bool) {
    let mut body = String::new();
    while let Some((size, tail)) = rest.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size, 16) else {
            break;
        };
        if size == 0 {
            return (body, true);
        }
        let Some((chunk, tail)) = tail.split_at_checked(size) else {
            break;
        };
        body.push_str(chunk);
        rest = tail.strip_prefix("\r\n").unwrap_or(tail);
    }
    (body, false)
}

/// Escapes a value for a query string.
pub fn escape(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric();
    text.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
