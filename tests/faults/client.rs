//! A client as the README asks for: after 503, or a cut connection, it asks again with the same key or version, wherever a host answers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use reqwest::{RequestBuilder, Response};
use serde::Deserialize;
use serde_json::json;
use tokio::time::sleep;

use crate::findings::Findings;
use crate::history::{Act, Answer, History, Told, request_id};
use crate::hosts::Hosts;

/// Longer than a busy machine takes to accept, shorter than an attempt.
const CONNECTING: Duration = Duration::from_secs(4);
/// A client's own patience with one attempt.
const PATIENCE: Duration = Duration::from_secs(6);
/// Longer than a whole list is allowed to take.
const LIST_PATIENCE: Duration = Duration::from_secs(70);
/// How long an operation is tried again.
const PERSISTENCE: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    pub hosts: Arc<Hosts>,
    pub history: Arc<History>,
    findings: Findings,
    patience: Duration,
}

#[derive(Deserialize)]
struct Listed {
    id: i64,
}

impl Client {
    pub fn new(hosts: Arc<Hosts>, history: Arc<History>, findings: Findings) -> Client {
        let http = reqwest::Client::builder().connect_timeout(CONNECTING).no_proxy().build();
        Client { http: http.expect("an HTTP client"), hosts, history, findings, patience: PATIENCE }
    }

    /// One with a connection of its own, and another patience.
    pub fn another(&self, patience: Duration) -> Client {
        let client = Client::new(self.hosts.clone(), self.history.clone(), self.findings.clone());
        Client { patience, ..client }
    }

    /// One operation, tried until its outcome is known, patience ends or `stopping` says so.
    pub async fn operate(&self, rng: &mut fastrand::Rng, act: Act, stopping: impl Fn() -> bool) -> Told {
        let begun = Instant::now();
        let mut host = rng.usize(..2);
        loop {
            let told = self.attempt(host, act.clone()).await;
            if matches!(told, Told::Answer(_)) || begun.elapsed() > PERSISTENCE || stopping() {
                return told;
            }
            host += 1;
            sleep(Duration::from_millis(rng.u64(50..400))).await;
        }
    }

    /// One request.
    pub async fn attempt(&self, host: usize, act: Act) -> Told {
        let Some(address) = self.hosts.address(host) else { return Told::Nothing };
        let url = format!("http://{address}");
        let patience = if act == Act::List { LIST_PATIENCE } else { self.patience };
        let request = request(&self.http, &url, &act).timeout(patience);
        let must_be_listed = if act == Act::List { self.history.untouched() } else { BTreeSet::new() };
        let number = self.history.begin(act.clone());
        let told = match request.header("x-request-id", request_id(number)).send().await {
            Ok(response) => self.read(&act, number, response, must_be_listed).await,
            Err(_) => Told::Nothing,
        };
        self.history.end(number, told);
        told
    }

    async fn read(&self, act: &Act, number: usize, response: Response, must_be_listed: BTreeSet<i64>) -> Told {
        let status = response.status().as_u16();
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let version = header("etag").and_then(|tag| tag.trim_matches('"').parse().ok());
        let id = header("location").and_then(|path| path.strip_prefix("/items/")?.parse().ok());
        let replayed = header("idempotency-replayed").is_some();
        if status == 503 {
            if header("retry-after").is_none() {
                self.findings.add(format!("{act:?}: 503 without Retry-After"));
            }
            return Told::Unavailable;
        }
        // A host that gave up a guest answers without the request's id.
        if header("x-request-id") != Some(request_id(number)) {
            self.findings.add(format!("{act:?}: {status} under the request id {:?}", header("x-request-id")));
        }
        let Ok(body) = response.bytes().await else { return Told::Head(status) };
        match act {
            Act::List if status == 200 => self.check_list(&body, must_be_listed),
            Act::Page if status == 200 => self.check_list(&body, BTreeSet::new()),
            _ => {}
        }
        Told::Answer(Answer { status, id, version, replayed })
    }

    /// A list ascends, and leaves out nothing that was there before it was asked for and that nobody wants gone.
    fn check_list(&self, body: &[u8], must_be_listed: BTreeSet<i64>) {
        let listed: Vec<Listed> = match serde_json::from_slice(body) {
            Ok(listed) => listed,
            Err(error) => return self.findings.add(format!("a list that ended well is no list: {error}")),
        };
        if !listed.is_sorted_by(|one, next| one.id < next.id) {
            self.findings.add("a list does not ascend".into());
        }
        let listed: BTreeSet<i64> = listed.into_iter().map(|item| item.id).collect();
        let still = self.history.untouched();
        let missing: Vec<_> = must_be_listed.difference(&listed).filter(|id| still.contains(id)).collect();
        if !missing.is_empty() {
            self.findings.add(format!("items {missing:?} are not listed"));
        }
    }
}

fn request(http: &reqwest::Client, url: &str, act: &Act) -> RequestBuilder {
    let item = |method: Method, id: &i64| http.request(method, format!("{url}/items/{id}"));
    let create = |key: &str, name: &str| {
        http.post(format!("{url}/items"))
            .header("idempotency-key", key)
            .json(&json!({ "name": name, "description": description(name) }))
    };
    match act {
        Act::Create { key, name } => create(key, name),
        Act::Conflict { key } => create(key, "another body"),
        Act::Get { id } => item(Method::GET, id),
        Act::Update { id, version, name } => {
            item(Method::PUT, id).header("if-match", format!("\"{version}\"")).json(&json!({ "name": name }))
        }
        Act::Delete { id, version } => item(Method::DELETE, id).header("if-match", format!("\"{version}\"")),
        Act::Page => http.get(format!("{url}/items?limit=20")),
        Act::List => http.get(format!("{url}/items")),
    }
}

/// Some items are as large as they may be, and cannot be compressed, so that the whole list outgrows the buffers on its way and the table
/// its pages.
pub fn description(name: &str) -> String {
    if !name.starts_with("large") {
        return String::new();
    }
    let seed = name.bytes().fold(0, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let mut rng = fastrand::Rng::with_seed(seed);
    (0..10_000).map(|_| rng.alphanumeric()).collect()
}
