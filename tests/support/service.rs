//! The application as its clients see it: an address, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use http::{Method, StatusCode};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use tokio::time::sleep;
use uuid::Uuid;

use crate::{App, Contract, Item, Response, eventually};

/// A deployed relay may have to wait for the next readiness check, or for audit.
const COMPLETE: Duration = Duration::from_secs(60);
/// How often a request is repeated that a limit on the rate of requests refused.
const REPEATED: usize = 30;

/// The application at `ACCEPTANCE_URL`, or one of this test's own. Its items and requests have a mark; dropping it deletes
/// the items.
pub struct Service {
    url: String,
    client: Client,
    mark: String,
    requests: AtomicUsize,
    /// The ids of requests that were answered with an operation.
    operations: Mutex<BTreeSet<String>>,
    items: Mutex<BTreeSet<i64>>,
    /// `None` without `TRAIL_URL`.
    trail: Option<PgPool>,
    _app: Option<App>,
}

impl Service {
    /// Finds or starts it.
    pub async fn start() -> Service {
        #[cfg(feature = "tls")]
        let _ = rustls::crypto::ring::default_provider().install_default();
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let (url, trail, app) = match variable("ACCEPTANCE_URL") {
            Some(url) => {
                let pool = |url: String| PgPoolOptions::new().max_connections(1).connect_lazy(&url);
                let trail = variable("TRAIL_URL").map(|url| pool(url).expect("TRAIL_URL is the address of a database"));
                (url.trim_end_matches('/').to_owned(), trail, None)
            }
            None => {
                let app = App::start().await;
                (app.url(""), Some(app.db().clone()), Some(app))
            }
        };
        let client = Client::builder().timeout(Duration::from_secs(60)).build().expect("an HTTP client");
        let mark = format!("acceptance-{}", Uuid::new_v4().simple());
        Service {
            url,
            client,
            mark,
            requests: AtomicUsize::new(0),
            operations: Mutex::default(),
            items: Mutex::default(),
            trail,
            _app: app,
        }
    }

    /// A request to be completed and sent with [`Service::send`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let id = format!("{}-{}", self.mark, self.requests.fetch_add(1, Relaxed));
        self.client.request(method, format!("{}{path}", self.url)).header("x-request-id", id)
    }

    /// Sends a request, reads the whole response and compares it with `/openapi.json`.
    pub async fn send(&self, request: RequestBuilder) -> Response {
        let (method, path, response) = self.send_unchecked(request).await;
        Contract::at(&self.client, &self.url).await.check(&method, &path, &response);
        response
    }

    /// The same for a response that may be an ingress's own. Repeats it when the ingress limits the rate.
    pub async fn send_unchecked(&self, request: RequestBuilder) -> (Method, String, Response) {
        let (client, request) = request.build_split();
        let request = request.expect("a well-formed request");
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
        for _ in 0..REPEATED {
            let again = request.try_clone().expect("a body in memory");
            let response = client.execute(again).await.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"));
            let response = Response::read(response).await;
            let response = response.unwrap_or_else(|error| panic!("{method} {path}: the body ends early: {error:?}"));
            if response.status == StatusCode::TOO_MANY_REQUESTS {
                sleep(Duration::from_secs(1)).await;
                continue;
            }
            self.note(&method, &path, id, &response);
            return (method, path, response);
        }
        panic!("{method} {path}: 429 {REPEATED} times");
    }

    /// A response with the time of the database is that of an operation, unless it failed.
    fn note(&self, method: &Method, path: &str, id: String, response: &Response) {
        if path.starts_with("/items") && response.headers.contains_key("server-timing") && response.status != 503 {
            self.operations.lock().expect("the operations").insert(id);
        }
        let location = response.find("location").and_then(|path| path.rsplit('/').next()?.parse().ok());
        if let (&Method::POST, Some(id)) = (method, location) {
            self.items.lock().expect("the items").insert(id);
        }
    }

    /// Sends `GET path`.
    pub async fn get(&self, path: &str) -> Response {
        self.send(self.request(Method::GET, path)).await
    }

    /// Sends `POST /items`.
    pub async fn post(&self, body: Value) -> Response {
        self.send(self.request(Method::POST, "/items").json(&body)).await
    }

    /// Sends `PUT path`.
    pub async fn put(&self, path: &str, body: Value) -> Response {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    /// Sends `DELETE path`.
    pub async fn delete(&self, path: &str) -> Response {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Creates an item that has the mark as its name.
    pub async fn create(&self) -> Item {
        let response = self.post(json!({ "name": self.mark })).await;
        assert_eq!(response.status, StatusCode::CREATED, "{response:?}");
        response.item()
    }

    /// The name of its items, and the beginning of the ids of its requests.
    pub fn mark(&self) -> &str {
        &self.mark
    }

    /// Deletes its items. Where the trail can be read, every operation of this test is then in it once, and no request
    /// that was refused.
    pub async fn complete(self) {
        self.delete_items().await;
        let Some(trail) = &self.trail else { return };
        let expected: BTreeMap<String, i64> =
            self.operations.lock().expect("the operations").iter().map(|id| (id.clone(), 1)).collect();
        eventually("each operation is in audit_logs once", COMPLETE, async || {
            let _ = self.client.get(format!("{}/readyz", self.url)).send().await;
            let query = "SELECT request_id, count(*) FROM audit_logs WHERE starts_with(request_id, $1) GROUP BY 1";
            let found = sqlx::query_as(query).bind(&self.mark).fetch_all(trail).await.expect("read audit_logs");
            let found: BTreeMap<String, i64> = found.into_iter().collect();
            assert!(found.values().all(|count| *count == 1), "an operation is in the trail twice: {found:?}");
            if found == expected { Ok(()) } else { Err(format!("in the trail: {found:?}; expected: {expected:?}")) }
        })
        .await;
    }

    async fn delete_items(&self) {
        let items = std::mem::take(&mut *self.items.lock().expect("the items"));
        for id in items {
            self.delete(&format!("/items/{id}")).await;
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // After a failure; otherwise none is left.
        block_in_place(|| Handle::current().block_on(self.delete_items()));
    }
}
