//! The program: its log, its end, its memory.

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

use crate::refusals::gzip;
use crate::support::http::{get, try_export};
use crate::support::{Database, SOON, Scrape};

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
        let line = next(&mut log).await;
        assert_eq!(line["msg"], "listening", "{line}");
        let address = |key: &str| line[key].as_str().unwrap().parse().unwrap();
        Self { metrics: address("metrics"), otlp: address("otlp"), child, log }
    }

    async fn scrape(&self) -> Scrape {
        Scrape(String::from_utf8(get(self.metrics, "/metrics").await.body).unwrap())
    }

    /// The most memory it ever had, in kB.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    fn signal(&self) {
        let pid = Pid::from_raw(self.child.id().unwrap().cast_signed()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }

    async fn status(&mut self) -> Option<i32> {
        timeout(SOON, self.child.wait()).await.expect("the program ends").unwrap().code()
    }
}

/// The next line of the log.
async fn next(log: &mut Lines<BufReader<ChildStdout>>) -> Value {
    let line = timeout(SOON, log.next_line()).await.expect("a line in time").unwrap().expect("a line");
    let value: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
    assert!(line.starts_with("{\"ts\":\"20"), "{line}");
    assert_eq!(value["component"], "sidecar");
    value
}

/// The address of the role `metrics` without its password, and the password.
fn split(database: &Database) -> (String, String) {
    let url = database.options().database.url;
    let (user, rest) = url.strip_prefix("postgres://").unwrap().split_once(':').unwrap();
    let (password, rest) = rest.split_once('@').unwrap();
    (format!("postgres://{user}@{rest}"), password.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_database_is_one_line_and_so_is_its_return() {
    let database = Database::new().await;
    let (url, password) = split(&database);
    let mut program = Program::start(&url, &password).await;
    for _ in 0..3 {
        program.scrape().await;
    }
    database.allow_connections(false).await;
    database.cut().await;
    for _ in 0..3 {
        program.scrape().await;
    }
    database.allow_connections(true).await;
    assert_eq!(program.scrape().await.value("database_up"), Some(1.0));
    program.signal();
    assert_eq!(program.status().await, Some(0));
    let mut said = Vec::new();
    while let Some(line) = program.log.next_line().await.unwrap() {
        assert!(!line.contains(&password), "{line}");
        let line: Value = serde_json::from_str(&line).unwrap();
        said.push((line["level"].as_str().unwrap().to_owned(), line["msg"].as_str().unwrap().to_owned()));
        assert_eq!(line["msg"] == "database lost", line["error"].is_string(), "{line}");
    }
    let expected = [
        ("info", "database reached"),
        ("warn", "database lost"),
        ("info", "database reached"),
        ("info", "stopping"),
        ("info", "stopped"),
    ];
    assert_eq!(said, expected.map(|(level, message)| (level.to_owned(), message.to_owned())));
}

#[tokio::test]
async fn a_second_signal_waits_for_nobody() {
    let mut program = Program::start("postgres://metrics@127.0.0.1:1/itemsdb", "x").await;
    // A request that does not end holds up an orderly stop.
    let mut stream = TcpStream::connect(program.otlp).await.unwrap();
    let head =
        "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 9\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    // Served on the same port after it: by then it is under way.
    get(program.otlp, "/").await;
    let begin = Instant::now();
    program.signal();
    assert_eq!(next(&mut program.log).await["msg"], "stopping");
    program.signal();
    assert_eq!(program.status().await, Some(130));
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_sidecar"))
        .args([
            "--metrics-listen",
            &address,
            "--otlp-listen",
            "127.0.0.1:0",
            "--database-url",
            "postgres://metrics@db/itemsdb",
        ])
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(line["error"].as_str().unwrap().contains(&format!("cannot listen on {address}: ")), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_stays_bounded_whatever_is_sent() {
    const LIMIT: usize = 8 << 20;
    let program = Program::start("postgres://metrics@127.0.0.1:1/itemsdb", "x").await;
    let before = program.peak();
    // Millions of empty resources, spans' worth of nothing, and what inflates a thousandfold.
    let resources = vec![[0x0a_u8, 0]; LIMIT / 2].concat();
    let bomb = gzip(&vec![0; 16 * LIMIT]);
    let metrics = gzip(&resources);
    for _ in 0..3 {
        let sends = (0..30).map(|n| {
            let (path, encoding, body) = match n % 3 {
                0 => ("/v1/traces", None, resources.clone()),
                1 => ("/v1/traces", Some("gzip"), bomb.clone()),
                _ => ("/v1/metrics", Some("gzip"), metrics.clone()),
            };
            async move { try_export(program.otlp, path, encoding, body).await.map(|answer| answer.status) }
        });
        let answers = join_all(sends).await;
        for status in &answers {
            assert!(status.is_none_or(|status| [200, 413, 503].contains(&status)), "{answers:?}");
        }
        assert!(answers.contains(&Some(200)) && answers.contains(&Some(413)), "{answers:?}");
    }
    let peak = program.peak();
    println!("memory: at most {before} kB before, {peak} kB after");
    assert!(peak < 128_000, "at most {before} kB before, {peak} kB after");
}
