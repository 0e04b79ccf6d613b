//! The relay of `components/items`, over this program's sessions and HTTP client. As there, the request whose statement
//! obtained the lease starts it; its logic is synchronous, so it runs on a thread for blocking work.

use std::sync::Arc;
use std::time::Duration;

use http_toolkit::Context;
use items::relay::delivery::{Delivery, judge};
use items::relay::peers::Peers;
use items::relay::relay;
use items::store::{Next, RELAY_FAIL, RELAY_NEXT, RELAY_REFUSE, RELAY_RELEASE, RELAY_TAKE};
use reqwest::header::CONTENT_TYPE;
use shared::{Error, audit_api};
use tokio::runtime::Handle;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::items::Service;

/// Audit has to answer within this time.
const PATIENCE: Duration = Duration::from_secs(1);

/// Relays with the lease of `holder`.
pub fn start(service: &Arc<Service>, holder: String, context: &Context) {
    let mut peers =
        Async { service: service.clone(), request_id: context.request_id.clone(), runtime: Handle::current() };
    tokio::task::spawn_blocking(move || {
        if let Err(error) = relay(&mut peers, holder) {
            eprintln!("relay stopped: {}", http_toolkit::causes(&error));
        }
    });
}

/// Asynchronous peers of a synchronous relay.
struct Async {
    service: Arc<Service>,
    request_id: String,
    runtime: Handle,
}

impl Async {
    fn query(&self, statement: &'static str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, Error> {
        self.runtime.block_on(self.service.sessions.query(statement, parameters))
    }

    async fn exchange(&self, events: &str) -> reqwest::Result<Delivery> {
        let request = self.service.http.post([&self.service.audit, audit_api::PATH].concat()).timeout(PATIENCE);
        let request = request.header(CONTENT_TYPE, "application/json").header("x-request-id", &self.request_id);
        let response = request.body(events.to_owned()).send().await?;
        Ok(judge(response.status().as_u16(), &response.text().await?))
    }
}

impl Peers for Async {
    fn take(&mut self) -> Result<Option<String>, Error> {
        Ok(self.query(RELAY_TAKE, &[])?.and_then(|row| row.get(0)))
    }

    fn next(&mut self, holder: &str, done: &[i64], most: u16) -> Result<Next, Error> {
        let Some(row) = self.query(RELAY_NEXT, &[&holder, &done, &i32::from(most)])? else { return Ok(Next::Lost) };
        Ok(match (row.get(0), row.get(1)) {
            (Some(seqs), Some(events)) => Next::Batch { seqs, events },
            _ => Next::Drained,
        })
    }

    fn release(&mut self, holder: &str, done: &[i64]) -> Result<(), Error> {
        self.query(RELAY_RELEASE, &[&holder, &done]).map(drop)
    }

    fn fail(&mut self, holder: &str, reason: &str) -> Result<(), Error> {
        eprintln!("audit does not take events: {reason}");
        self.query(RELAY_FAIL, &[&holder, &reason]).map(drop)
    }

    fn refuse(&mut self, holder: &str, seq: i64, reason: &str) -> Result<(), Error> {
        eprintln!("audit refused an event: {reason}");
        self.query(RELAY_REFUSE, &[&holder, &seq, &reason]).map(drop)
    }

    fn post(&mut self, events: &str) -> Delivery {
        self.runtime.block_on(self.exchange(events)).unwrap_or_else(|error| Delivery::Failed(error.to_string()))
    }

    fn pause(&mut self, duration: Duration) {
        std::thread::sleep(duration);
    }
}
