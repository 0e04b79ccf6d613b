//! A release follows another one under load: first its schema, then its components, and back. Nothing that was answered
//! is lost, and no request fails.
//!
//! `scripts/check-compatibility.sh` builds the release before and names it: `TEST_SCHEMA` is its schema, `TEST_COMPONENTS`
//! the folder of its components.

use std::collections::BTreeSet;
use std::env;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use futures::future::join_all;
use support::{App, Item, Method, SOON, eventually, json, root};

/// Clients that work all the time.
const CLIENTS: usize = 8;
/// Requests of each phase.
const PHASE: usize = 200;
/// A statement of an upgrade may lock a table for a second, as long as a statement waits for it.
const RETRIES: usize = 10;

/// The clients' requests: ids of those that were answered with an operation.
struct Load<'a> {
    hosts: [&'a App; 2],
    /// Which of the hosts serve.
    first: AtomicBool,
    done: AtomicUsize,
    stop: AtomicBool,
}

impl Load<'_> {
    fn host(&self) -> &App {
        self.hosts[usize::from(!self.first.load(Relaxed))]
    }

    /// One client: creates, changes, reads, deletes, until it is stopped. Returns the ids of its requests, and its items.
    async fn client(&self, number: usize) -> (BTreeSet<String>, Vec<Item>) {
        let (mut answered, mut kept) = (BTreeSet::new(), Vec::new());
        for round in 0.. {
            if self.stop.load(Relaxed) {
                break;
            }
            let name = json!({ "name": format!("item {number}-{round}") });
            let created = self.send(&mut answered, Method::POST, "/items", Some(&name), 201).await.item();
            let path = format!("/items/{}", created.id);
            let changed = json!({ "name": "changed", "description": "M6" });
            let updated = self.send(&mut answered, Method::PUT, &path, Some(&changed), 200).await.item();
            let read = self.send(&mut answered, Method::GET, &path, None, 200).await.item();
            assert_eq!(read, updated);
            match round % 2 {
                0 => kept.push(read),
                _ => drop(self.send(&mut answered, Method::DELETE, &path, None, 204).await),
            }
        }
        (answered, kept)
    }

    async fn send(
        &self,
        answered: &mut BTreeSet<String>,
        method: Method,
        path: &str,
        body: Option<&support::Value>,
        status: u16,
    ) -> support::Response {
        let key = uuid::Uuid::new_v4().simple().to_string();
        for retry in 0..RETRIES {
            let id = format!("{key}-{retry}");
            let request = self.host().request(method.clone(), path).header("x-request-id", &id);
            let request = if method == Method::POST { request.header("idempotency-key", &key) } else { request };
            let response = self.host().send(body.iter().fold(request, |request, body| request.json(body))).await;
            if response.status == 503 {
                continue;
            }
            // After a 503, an item may be deleted already.
            let expected = if retry > 0 && response.status == 404 { 404 } else { status };
            assert_eq!(response.status, expected, "{method} {path}: {response:?}");
            answered.insert(id);
            self.done.fetch_add(1, Relaxed);
            return response;
        }
        panic!("{method} {path}: 503 {RETRIES} times");
    }

    /// Waits until a phase's requests are done.
    async fn phase(&self) {
        let begun = self.done.load(Relaxed);
        eventually("the requests of a phase", Duration::from_secs(120), async || {
            let done = self.done.load(Relaxed) - begun;
            if done >= PHASE { Ok(()) } else { Err(format!("{done} of {PHASE}")) }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_and_its_rollback_lose_nothing_while_clients_work() {
    for name in ["TEST_SCHEMA", "TEST_COMPONENTS"] {
        assert!(env::var_os(name).is_some(), "{name} is not set; fix: scripts/check-compatibility.sh");
    }
    // The previous release, on its own schema.
    let before = App::start().await;
    let components = root().join("target/wasm32-wasip1/release");
    let of_this_release = |manifest: &mut support::Manifest| {
        for name in ["items", "audit"] {
            manifest.source(name, &components.join(format!("{name}.wasm")));
        }
    };
    let after = App::builder().manifest(of_this_release).beside(&before).start().await;
    let load = Load {
        hosts: [&before, &after],
        first: AtomicBool::new(true),
        done: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
    };
    let clients = join_all((0..CLIENTS).map(|number| load.client(number)));
    let release = async {
        load.phase().await;
        // The new schema under the previous components.
        let schema = root().join("schema/schema.sql");
        before.database().psql(|psql| psql.arg("-f").arg(&schema)).await;
        load.phase().await;
        // The new components, beside the previous ones while these finish.
        load.first.store(false, Relaxed);
        load.phase().await;
        // The rollback: the previous components, with data of the new ones.
        load.first.store(true, Relaxed);
        load.phase().await;
        load.stop.store(true, Relaxed);
    };
    let (clients, ()) = futures::join!(clients, release);
    let (answered, kept): (Vec<_>, Vec<_>) = clients.into_iter().unzip();
    let answered: BTreeSet<String> = answered.into_iter().flatten().collect();
    let mut kept: Vec<Item> = kept.concat();
    kept.sort_by_key(|item| item.id);
    for app in [&before, &after] {
        assert_eq!(
            app.http().get(app.url("/items")).send().await.expect("a list").json::<Vec<Item>>().await.expect("items"),
            kept
        );
    }
    eventually("the outbox is empty", SOON, async || {
        let ready = after.get("/readyz").await;
        match after.database().count("audit_outbox").await {
            0 => Ok(()),
            waiting => Err(format!("{waiting} events wait: {ready:?}")),
        }
    })
    .await;
    let trail: Vec<String> = after.database().trail().await.into_iter().map(|row| row.request_id).collect();
    let stored: BTreeSet<String> = trail.iter().cloned().collect();
    assert_eq!(trail.len(), stored.len(), "an event is stored twice");
    let missing: Vec<_> = answered.difference(&stored).collect();
    assert!(missing.is_empty(), "answered and not in the trail: {missing:?}");
    println!("{} operations answered", answered.len());
}
