//! A client that does what the README asks for: after 503 or a cut connection it repeats the request, with the same key
//! or version, on the next host.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use http::Method;
use reqwest::RequestBuilder;
use serde::Deserialize;
use serde_json::json;
use tokio::time::sleep;

use crate::history::{History, Operation, Response, Seen, request_id};
use crate::hosts::Hosts;

/// Limit for connecting: longer than a busy machine needs, shorter than an attempt.
const CONNECTING: Duration = Duration::from_secs(4);
/// Limit for one attempt.
const ATTEMPT: Duration = Duration::from_secs(6);
/// Limit for the full list, longer than the service allows for it.
const FULL_LIST: Duration = Duration::from_secs(70);
/// How long an operation is repeated.
const RETRYING: Duration = Duration::from_secs(30);

/// Sends operations and notes them in the history.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    pub hosts: Arc<Hosts>,
    pub history: Arc<History>,
    /// For one attempt.
    limit: Duration,
    /// What follows the version in every entity tag.
    incarnation: Arc<OnceLock<String>>,
}

#[derive(Deserialize)]
struct Listed {
    id: i64,
}

impl Client {
    pub fn new(hosts: Arc<Hosts>, history: Arc<History>) -> Client {
        let http = reqwest::Client::builder().connect_timeout(CONNECTING).no_proxy().build();
        let http = http.expect("an HTTP client");
        Client { http, hosts, history, limit: ATTEMPT, incarnation: Arc::default() }
    }

    /// A client with a connection of its own and another limit for one attempt.
    pub fn another(&self, limit: Duration) -> Client {
        let incarnation = self.incarnation.clone();
        Client { limit, incarnation, ..Client::new(self.hosts.clone(), self.history.clone()) }
    }

    /// Sends an operation until its outcome is known, it was repeated for too long, or `stopping` returns true.
    pub async fn operate(&self, rng: &mut fastrand::Rng, operation: Operation, stopping: impl Fn() -> bool) -> Seen {
        let begun = Instant::now();
        let mut host = rng.usize(..2);
        loop {
            let seen = self.attempt(host, operation.clone()).await;
            if matches!(seen, Seen::Response(_)) || begun.elapsed() > RETRYING || stopping() {
                return seen;
            }
            host += 1;
            sleep(Duration::from_millis(rng.u64(50..400))).await;
        }
    }

    /// Sends one request.
    pub async fn attempt(&self, host: usize, operation: Operation) -> Seen {
        let Some(address) = self.hosts.address(host) else { return Seen::Nothing };
        let url = format!("http://{address}");
        let limit = if operation == Operation::List { FULL_LIST } else { self.limit };
        let request = self.request(&url, &operation).timeout(limit);
        // The full list must have all of these, a page of it need not.
        let expected = if operation == Operation::List { self.history.undeleted() } else { BTreeSet::new() };
        let number = self.history.begin(operation.clone());
        let seen = match request.header("x-request-id", request_id(number)).send().await {
            Ok(response) => self.read(&operation, number, response, expected).await,
            Err(_) => Seen::Nothing,
        };
        self.history.end(number, seen);
        seen
    }

    async fn read(&self, of: &Operation, number: usize, response: reqwest::Response, expected: BTreeSet<i64>) -> Seen {
        let status = response.status().as_u16();
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let version = header("etag").and_then(|tag| self.version(&tag));
        let id = header("location").and_then(|path| path.strip_prefix("/items/")?.parse().ok());
        let replayed = header("idempotency-replayed").is_some();
        if status == 503 {
            if header("retry-after").is_none() {
                self.history.find(format!("{of:?}: 503 without Retry-After"));
            }
            return Seen::Unavailable;
        }
        // The host's own responses, as for an instance that trapped, have no request id.
        if header("x-request-id") != Some(request_id(number)) {
            self.history.find(format!("{of:?}: {status} with the request id {:?}", header("x-request-id")));
        }
        let Ok(body) = response.bytes().await else { return Seen::Head(status) };
        if matches!(of, Operation::List | Operation::Page) && status == 200 {
            self.check_list(&body, expected);
        }
        Seen::Response(Response { status, id, version, replayed })
    }

    /// The version in an entity tag, whose other part is always the same.
    fn version(&self, tag: &str) -> Option<i64> {
        let (version, incarnation) = tag.trim_matches('"').split_once('-')?;
        if self.incarnation.get_or_init(|| incarnation.to_owned()) != incarnation {
            self.history.find(format!("the tag {tag} is of another incarnation"));
        }
        version.parse().ok()
    }

    fn request(&self, url: &str, operation: &Operation) -> RequestBuilder {
        let item = |method: Method, id: &i64| self.http.request(method, format!("{url}/items/{id}"));
        let tag = |version: &i64| format!("\"{version}-{}\"", self.incarnation.get().map_or("", String::as_str));
        let create = |key: &str, name: &str| {
            self.http
                .post(format!("{url}/items"))
                .header("idempotency-key", key)
                .json(&json!({ "name": name, "description": description(name) }))
        };
        match operation {
            Operation::Create { key, name } => create(key, name),
            Operation::Conflict { key } => create(key, "another body"),
            Operation::Get { id } => item(Method::GET, id),
            Operation::Update { id, version, name } => {
                item(Method::PUT, id).header("if-match", tag(version)).json(&json!({ "name": name }))
            }
            Operation::Delete { id, version } => item(Method::DELETE, id).header("if-match", tag(version)),
            Operation::Page => self.http.get(format!("{url}/items?limit=20")),
            Operation::List => self.http.get(format!("{url}/items")),
        }
    }

    /// Checks that a list is in the order of ids, and has every expected item that was not deleted meanwhile.
    fn check_list(&self, body: &[u8], expected: BTreeSet<i64>) {
        let listed: Vec<Listed> = match serde_json::from_slice(body) {
            Ok(listed) => listed,
            Err(error) => return self.history.find(format!("a complete list is not valid: {error}")),
        };
        if !listed.is_sorted_by(|one, next| one.id < next.id) {
            self.history.find("a list is not in the order of ids".into());
        }
        let listed: BTreeSet<i64> = listed.into_iter().map(|item| item.id).collect();
        let still = self.history.undeleted();
        let missing: Vec<_> = expected.difference(&listed).filter(|id| still.contains(id)).collect();
        if !missing.is_empty() {
            self.history.find(format!("items {missing:?} are not listed"));
        }
    }
}

/// The description of an item: of `large` ones as long as it may be and not compressible, so that the full list is
/// larger than the buffers on its way.
pub fn description(name: &str) -> String {
    if !name.starts_with("large") {
        return String::new();
    }
    let seed = name.bytes().fold(0, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let mut rng = fastrand::Rng::with_seed(seed);
    (0..10_000).map(|_| rng.alphanumeric()).collect()
}
