//! The program: its log, its signals, its memory.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use futures::future::join_all;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::rejections::{LIMIT, gzip};
use crate::support::database::Database;
use crate::support::{NO_DATABASE, SOON, Scrape, get, try_export};

struct Program {
    child: Child,
    log: Lines<BufReader<ChildStdout>>,
    metrics: SocketAddr,
    otlp: SocketAddr,
}

impl Program {
    async fn start(database: &str, password: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sidecar"))
            .env("SIDECAR_METRICS_LISTEN", "127.0.0.1:0")
            .env("SIDECAR_OTLP_LISTEN", "127.0.0.1:0")
            .env("SIDECAR_DATABASE_URL", database)
            .env("SIDECAR_DATABASE_PASSWORD", password)
            .env("FORWARD_OTLP_URL", "")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let mut log = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = next(&mut log).await.expect("a first line");
        assert_eq!(line["msg"], "listening", "{line}");
        let address = |key: &str| line[key].as_str().unwrap().parse().unwrap();
        Self { metrics: address("metrics"), otlp: address("otlp"), child, log }
    }

    /// The most memory it ever had, in kB.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    fn terminate(&self) {
        let pid = Pid::from_raw(self.child.id().unwrap().cast_signed()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }

    async fn status(&mut self) -> Option<i32> {
        timeout(SOON, self.child.wait()).await.expect("the program ends").unwrap().code()
    }
}

/// The next line of the log.
async fn next(log: &mut Lines<BufReader<ChildStdout>>) -> Option<Value> {
    let line = timeout(SOON, log.next_line()).await.expect("a line in time").unwrap()?;
    let value: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
    assert!(line.starts_with("{\"ts\":\"20"), "{line}");
    assert_eq!(value["component"], "sidecar");
    Some(value)
}

#[tokio::test(flavor = "multi_thread")]
async fn losing_the_database_is_one_log_line_and_so_is_its_return() {
    let database = Database::new().await;
    let (url, password) = database.url_and_password();
    let mut program = Program::start(&url, &password).await;
    Scrape::at(program.metrics).await;
    database.allow_connections(false).await;
    database.cut().await;
    for _ in 0..3 {
        Scrape::at(program.metrics).await;
    }
    database.allow_connections(true).await;
    for _ in 0..3 {
        assert_eq!(Scrape::at(program.metrics).await.value("database_up"), Some(1.0));
    }
    program.terminate();
    assert_eq!(program.status().await, Some(0));
    for (level, message) in [
        ("info", "database reached"),
        ("warn", "database lost"),
        ("info", "database reached"),
        ("info", "stopping"),
        ("info", "stopped"),
    ] {
        let line = next(&mut program.log).await.expect(message);
        assert_eq!((line["level"].as_str(), line["msg"].as_str()), (Some(level), Some(message)));
        assert_eq!(message == "database lost", line["error"].is_string(), "{line}");
        assert!(!line.to_string().contains(&password), "{line}");
    }
    assert_eq!(next(&mut program.log).await, None);
}

#[tokio::test]
async fn a_second_signal_ends_the_program_at_once() {
    let mut program = Program::start(NO_DATABASE, "x").await;
    // An incomplete request delays the graceful stop.
    let mut stream = TcpStream::connect(program.otlp).await.unwrap();
    let head =
        "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 9\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    // The same listener serves this one later, so the first is in progress by then.
    get(program.otlp, "/").await;
    let begin = Instant::now();
    program.terminate();
    assert_eq!(next(&mut program.log).await.unwrap()["msg"], "stopping");
    program.terminate();
    assert_eq!(program.status().await, Some(130));
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_port_in_use_is_named_in_the_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_sidecar"))
        .args(["--metrics-listen", &address, "--otlp-listen", "127.0.0.1:0", "--database-url", NO_DATABASE])
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(line["error"].as_str().unwrap().contains(&format!("cannot listen on {address}: ")), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_stays_bounded_whatever_is_sent() {
    let program = Program::start(NO_DATABASE, "x").await;
    let before = program.peak();
    // Millions of empty resources, plain and gzipped, and a body that gzip shrinks a thousandfold.
    let resources = vec![[0x0a_u8, 0]; LIMIT / 2].concat();
    let bomb = gzip(&vec![0; 16 * LIMIT]);
    let gzipped = gzip(&resources);
    for _ in 0..3 {
        let sends = (0..30).map(|n| {
            let (path, encoding, body) = match n % 3 {
                0 => ("/v1/traces", None, resources.clone()),
                1 => ("/v1/traces", Some("gzip"), bomb.clone()),
                _ => ("/v1/metrics", Some("gzip"), gzipped.clone()),
            };
            // A rejection may cut the connection while the body is still being sent.
            async move {
                try_export(program.otlp, path, encoding, body).await.ok().map(|response| response.status().as_u16())
            }
        });
        let statuses = join_all(sends).await;
        for status in &statuses {
            assert!(status.is_none_or(|status| [200, 413, 503].contains(&status)), "{statuses:?}");
        }
        assert!(statuses.contains(&Some(200)) && statuses.contains(&Some(413)), "{statuses:?}");
    }
    let peak = program.peak();
    println!("memory: at most {before} kB before, {peak} kB after");
    assert!(peak < 128_000, "at most {before} kB before, {peak} kB after");
}
