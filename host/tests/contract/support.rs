//! An application of probes on a free port, and a client that hides nothing.

use host::{Config, Host, Limits, Lines, Log};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Nothing in these tests takes longer on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A public component, a private one, and routes of each form.
const MANIFEST: &str = r#"
spin_manifest_version = 2

[application]
name = "probes"
version = "1.2.3"

[variables]
word = { default = "default" }

[[trigger.http]]
route = "/..."
component = "probe"

[[trigger.http]]
route = "/hello"
component = "probe"

[[trigger.http]]
route = "/of/:owner/..."
component = "probe"

[[trigger.http]]
route = "/of/:owner"
component = "probe"

[[trigger.http]]
route = { private = true }
component = "inner"

[component.probe]
description = "does as it is told"
source = "PROBE"
allowed_outbound_hosts = [ALLOWED]
environment = { GREETING = "hello" }

[component.probe.variables]
word = "<{{ word }}>"

[component.inner]
source = "PROBE"
allowed_outbound_hosts = ["http://inner.spin.internal"]
"#;

pub struct Application {
    pub host: Host,
    pub lines: Lines,
    _folder: Folder,
}

/// Starts the probes; `allowed` are the entries of `probe`'s allow list.
pub async fn start(allowed: &[&str]) -> Application {
    start_with(allowed, |_| {}).await
}

pub async fn start_with(allowed: &[&str], change: impl FnOnce(&mut Limits)) -> Application {
    let folder = Folder::new(&manifest(allowed));
    let (log, lines) = Log::collect();
    let mut options = folder.options();
    options.log = log;
    change(&mut options.limits);
    let host = Host::start(options).await.expect("the probes must start");
    Application { host, lines, _folder: folder }
}

/// The manifest of the probes.
pub fn manifest(allowed: &[&str]) -> String {
    let entries: Vec<_> = allowed.iter().map(|entry| format!("{entry:?}")).collect();
    MANIFEST.replace("PROBE", &probe().display().to_string()).replace("ALLOWED", &entries.join(", "))
}

/// The compiled guest, beside the folder of the test's own build.
fn probe() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let target = test.ancestors().nth(3).expect("tests are built below target/debug/deps");
    let probe = target.join("wasm32-wasip1/release/probe.wasm");
    assert!(probe.exists(), "{} is missing: cargo build --target wasm32-wasip1 --release -p probe", probe.display());
    probe
}

/// A folder with a manifest, gone after the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(manifest: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("host-contract-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).expect("the test's folder must be new");
        std::fs::write(folder.join("spin.toml"), manifest).expect("the manifest must be written");
        Self(folder)
    }

    pub fn options(&self) -> Config {
        let mut options = Config::new(&self.0);
        options.listen.set_port(0);
        options
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Application {
    pub fn address(&self) -> SocketAddr {
        self.host.address()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: probes.example\r\nConnection: close\r\n\r\n")).await
    }

    /// Sends a request as it stands and reads until the connection closes.
    pub async fn send(&self, request: impl AsRef<[u8]>) -> Answer {
        let mut stream = self.open(request).await;
        let mut bytes = Vec::new();
        let reading = stream.read_to_end(&mut bytes);
        // A reset shows as an error; what came before it counts.
        let _ = tokio::time::timeout(PATIENCE, reading).await.expect("the connection must end");
        Answer::parse(&bytes)
    }

    /// Sends a request and leaves the answer in the connection.
    pub async fn open(&self, request: impl AsRef<[u8]>) -> TcpStream {
        let mut stream = TcpStream::connect(self.address()).await.expect("the host must accept");
        stream.write_all(request.as_ref()).await.expect("the request must be sent");
        stream
    }

    /// Waits for a line of the log.
    pub async fn line(&self, text: &str) -> host::Line {
        match self.lines.wait_for(text, PATIENCE).await {
            Some(line) => line,
            None => panic!("no line with {text:?} among {:#?}", self.lines.all()),
        }
    }
}

/// What came back, as far as it came.
#[derive(Debug, Default)]
pub struct Answer {
    /// 0 when nothing came at all.
    pub status: u16,
    pub head: String,
    pub body: String,
    /// The body ended as its framing says; without that a client knows that something is missing.
    pub whole: bool,
}

impl Answer {
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let Some((head, rest)) = text.split_once("\r\n\r\n") else {
            return Self::default();
        };
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let head = head.to_ascii_lowercase();
        let (body, whole) =
            if head.contains("transfer-encoding: chunked") { unchunk(rest) } else { sized(&head, rest) };
        Self { status, head, body, whole }
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
