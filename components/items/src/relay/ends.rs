//! The two ends of the relay, as one interface: the relay's decisions are tested without either.

use std::time::Duration;

use shared::Error;
use shared::clock;
use shared::context::Context;
use shared::log::Level;

use super::delivery::{Audit, Delivery};
use super::warn;
use crate::store::{Next, Store};

/// Outbox and lease on one side, audit on the other. See [`Store`] for the statements.
pub trait Ends {
    fn take(&mut self) -> Result<Option<String>, Error>;
    fn next(&mut self, holder: &str, done: &[i64], most: i32) -> Result<Next, Error>;
    fn release(&mut self, holder: &str, done: &[i64]) -> Result<(), Error>;
    fn fail(&mut self, holder: &str, reason: &str) -> Result<(), Error>;
    fn refuse(&mut self, holder: &str, seq: i64, reason: &str) -> Result<(), Error>;
    fn post(&mut self, events: &str) -> Delivery;
    fn pause(&mut self, duration: Duration);
}

/// The real ends. No connection is held while audit is waited for or a pause lasts.
pub struct Wired<'s, 'c> {
    store: &'s mut Store<'c>,
    context: &'c Context,
    /// Read once, with the first batch.
    audit: Option<Audit>,
}

impl<'s, 'c> Wired<'s, 'c> {
    pub fn new(store: &'s mut Store<'c>, context: &'c Context) -> Self {
        Self { store, context, audit: None }
    }
}

impl Ends for Wired<'_, '_> {
    fn take(&mut self) -> Result<Option<String>, Error> {
        self.store.relay_take()
    }

    fn next(&mut self, holder: &str, done: &[i64], most: i32) -> Result<Next, Error> {
        self.store.relay_next(holder, done, most)
    }

    fn release(&mut self, holder: &str, done: &[i64]) -> Result<(), Error> {
        self.store.relay_release(holder, done)
    }

    fn fail(&mut self, holder: &str, reason: &str) -> Result<(), Error> {
        warn(self.context, Level::Warn, "audit does not take events", reason);
        self.store.relay_fail(holder, reason)
    }

    fn refuse(&mut self, holder: &str, seq: i64, reason: &str) -> Result<(), Error> {
        warn(self.context, Level::Error, "audit refused an event", reason);
        self.store.relay_refuse(holder, seq, reason)
    }

    fn post(&mut self, events: &str) -> Delivery {
        self.store.give_back();
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
        self.store.give_back();
        clock::pause(duration);
    }
}
