//! What the relay talks to (outbox and audit), behind one trait, so that its logic can be tested without a database or
//! audit.

use std::time::Duration;

use http_toolkit::log::Level;
use http_toolkit::{Context, clock};
use shared::Error;

use super::delivery::{Audit, Delivery};
use super::log;
use crate::store::{Next, Store};

/// Outbox and lease (see [`Store`] for the statements), audit, and the clock.
pub trait Peers {
    /// Takes the lease if it is free and events wait.
    fn take(&mut self) -> Result<Option<String>, Error>;
    /// Removes the events `done` and reads the next batch of up to `most`.
    fn next(&mut self, holder: &str, done: &[i64], most: u16) -> Result<Next, Error>;
    /// Removes the events `done` and frees the lease.
    fn release(&mut self, holder: &str, done: &[i64]) -> Result<(), Error>;
    /// Records that audit failed, which closes the lease for a while.
    fn fail(&mut self, holder: &str, reason: &str) -> Result<(), Error>;
    /// Moves one event to those that audit refused.
    fn refuse(&mut self, holder: &str, seq: i64, reason: &str) -> Result<(), Error>;
    /// Sends a batch to audit.
    fn post(&mut self, events: &str) -> Delivery;
    /// Waits.
    fn pause(&mut self, duration: Duration);
}

/// The real peers. No connection is held while audit is waited for or a pause lasts.
pub struct Connected<'a> {
    store: &'a Store,
    context: &'a Context,
    /// Read once, with the first batch.
    audit: Option<Audit>,
}

impl<'a> Connected<'a> {
    pub fn new(store: &'a Store, context: &'a Context) -> Self {
        Self { store, context, audit: None }
    }
}

impl Peers for Connected<'_> {
    fn take(&mut self) -> Result<Option<String>, Error> {
        self.store.relay_take()
    }

    fn next(&mut self, holder: &str, done: &[i64], most: u16) -> Result<Next, Error> {
        self.store.relay_next(holder, done, most)
    }

    fn release(&mut self, holder: &str, done: &[i64]) -> Result<(), Error> {
        self.store.relay_release(holder, done)
    }

    fn fail(&mut self, holder: &str, reason: &str) -> Result<(), Error> {
        log(self.context, Level::Warn, "audit does not take events", reason);
        self.store.relay_fail(holder, reason)
    }

    fn refuse(&mut self, holder: &str, seq: i64, reason: &str) -> Result<(), Error> {
        log(self.context, Level::Error, "audit refused an event", reason);
        self.store.relay_refuse(holder, seq, reason)
    }

    fn post(&mut self, events: &str) -> Delivery {
        self.store.return_connection();
        let audit = match self.audit {
            Some(ref audit) => audit,
            None => match Audit::from_variable() {
                Ok(audit) => self.audit.insert(audit),
                Err(reason) => return Delivery::Failed(reason),
            },
        };
        audit.post(events, &self.context.request_id)
    }

    fn pause(&mut self, duration: Duration) {
        self.store.return_connection();
        clock::pause(duration);
    }
}
