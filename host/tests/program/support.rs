//! An application of probes on a free port, and a client that shows responses as they arrive.

use host::{Config, Host, Lines, Log};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
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
    pub host: Host,
    pub lines: Lines,
    _folder: Folder,
}

/// Starts the probes; `allowed` are the entries of `probe`'s allow list.
pub async fn start(allowed: &[&str]) -> Application {
    let folder = Folder::new(&manifest(allowed));
    let (log, lines) = Log::collect();
    let config = Config { log, ..folder.config() };
    let host = Host::start(config).await.expect("the probes must start");
    Application { host, lines, _folder: folder }
}

/// The manifest of the probes.
pub fn manifest(allowed: &[&str]) -> String {
    let entries: Vec<_> = allowed.iter().map(|entry| format!("{entry:?}")).collect();
    MANIFEST.replace("PROBE", &probe().display().to_string()).replace("ALLOWED", &entries.join(", "))
}

/// The compiled probe, in the target folder of the test itself.
pub fn probe() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let target = test.ancestors().nth(3).expect("tests are built below target/debug/deps");
    let probe = target.join("wasm32-wasip1/release/probe.wasm");
    assert!(probe.exists(), "{} is missing; fix: scripts/build-components.sh probe", probe.display());
    probe
}

/// A folder with a manifest, removed after the test.
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

    pub fn config(&self) -> Config {
        let mut config = Config::new(&self.0);
        config.listen.set_port(0);
        config
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

    pub async fn get(&self, path: &str) -> Response {
        get(self.address(), path).await
    }

    pub async fn open(&self, request: impl AsRef<[u8]>) -> TcpStream {
        open(self.address(), request).await
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
    let request = format!("GET {path} HTTP/1.1\r\nHost: probes.example\r\nConnection: close\r\n\r\n");
    let mut text = String::new();
    let mut stream = open(address, request).await;
    let reading = stream.read_to_string(&mut text);
    tokio::time::timeout(PATIENCE, reading).await.expect("the connection must end").expect("a whole response");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Response { status, body: body.to_owned() }
}

/// Sends a request and leaves the response in the connection.
pub async fn open(address: SocketAddr, request: impl AsRef<[u8]>) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("the host must accept");
    stream.write_all(request.as_ref()).await.expect("the request must be sent");
    stream
}

/// A response as it arrived.
pub struct Response {
    pub status: u16,
    /// As it was framed.
    pub body: String,
}
