//! The relay: hands the outbox to audit in batches, after the answer, in the instance that holds the lease.
//!
//! An event leaves the outbox once audit has it or has refused it for good; until then it is sent again, and audit stores it
//! once. Nobody waits for the relay and nothing depends on this instance: when it dies, its lease ends after two seconds and
//! the next one goes on.

mod delivery;
mod ends;

use std::time::{Duration, Instant};

use shared::context::Context;
use shared::error::chain;
use shared::log::{Level, Line};

use crate::exchange::COMPONENT;
use crate::store::{Next, Store};
use delivery::Delivery;
use ends::{Ends, Wired};

/// One holder relays no longer than this, …
const MAX_TIME: Duration = Duration::from_secs(2);

/// … nor more batches than this; then the lease is free for another.
const MAX_BATCHES: u32 = 50;

/// Between batches, so that events gather and a batch is worth its request.
const PAUSE: Duration = Duration::from_millis(20);

/// After the outbox was found empty: a statement that still saw the lease held may commit within this time.
const LAST_LOOK: Duration = Duration::from_millis(50);

/// Events in one batch at most.
const MAX_EVENTS: i32 = 500;

/// Relays, if this request obtained the lease, until nothing is left, a bound is reached, audit fails or the lease is lost.
/// Whatever goes wrong becomes a log line.
pub fn run<'c>(store: &mut Store<'c>, context: &'c Context) {
    let relayed = match store.lease() {
        Ok(None) => return,
        Ok(Some(holder)) => relay(&mut Wired::new(store, context), holder),
        Err(error) => Err(error),
    };
    if let Err(error) = relayed {
        warn(context, Level::Error, "relay stopped", &chain(&error));
    }
}

fn warn(context: &Context, level: Level, message: &str, cause: &str) {
    Line::new(level, COMPONENT, message).text("request_id", &context.request_id).error(cause).print();
}

fn relay(ends: &mut impl Ends, mut holder: String) -> Result<(), shared::Error> {
    let begun = Instant::now();
    let mut batches = 0;
    let mut done = Vec::new();
    // How many events of a batch that audit refused are still to be sent one by one.
    let mut singles = 0_usize;
    loop {
        let most = if singles == 0 { MAX_EVENTS } else { 1 };
        let (seqs, events) = match ends.next(&holder, &done, most)? {
            Next::Batch { seqs, events } => (seqs, events),
            Next::Lost => return Ok(()),
            Next::Drained => {
                ends.pause(LAST_LOOK);
                match ends.take()? {
                    Some(again) => {
                        holder = again;
                        done.clear();
                        continue;
                    }
                    None => return Ok(()),
                }
            }
        };
        singles = singles.saturating_sub(1);
        done = match (ends.post(&events), &*seqs) {
            (Delivery::Stored, _) => seqs,
            (Delivery::Refused(reason), &[seq]) => {
                ends.refuse(&holder, seq, &reason)?;
                Vec::new()
            }
            (Delivery::Refused(_), _) => {
                singles = seqs.len();
                Vec::new()
            }
            (Delivery::Failed(reason), _) => return ends.fail(&holder, &reason),
        };
        batches += u32::from(singles == 0);
        if batches >= MAX_BATCHES || begun.elapsed() >= MAX_TIME {
            return ends.release(&holder, &done);
        }
        if singles == 0 {
            ends.pause(PAUSE);
        }
    }
}

#[cfg(test)]
mod tests;
