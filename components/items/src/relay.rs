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

/// Sending events singly stops after this time, so that what was delivered is recorded before the lease can end.
const MAX_SINGLES_TIME: Duration = Duration::from_millis(500);

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
    loop {
        let (seqs, events) = match ends.next(&holder, &done)? {
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
        let delivered = match ends.post(&events) {
            Delivery::Stored => Ok(seqs),
            Delivery::Refused(reason) => singly(ends, &holder, &seqs, &events, &reason)?,
            Delivery::Failed(reason) => Err((Vec::new(), reason)),
        };
        match delivered {
            Ok(seqs) => done = seqs,
            Err((done, reason)) => return ends.fail(&holder, &done, &reason),
        }
        batches += 1;
        if batches >= MAX_BATCHES || begun.elapsed() >= MAX_TIME {
            return ends.release(&holder, &done);
        }
        ends.pause(PAUSE);
    }
}

/// What was delivered; with a reason where audit failed after that.
type Delivered = Result<Vec<i64>, (Vec<i64>, String)>;

/// Sends the events of a refused batch one by one; those that are refused again leave the outbox. What is not reached in
/// time comes with the next batch.
fn singly(
    ends: &mut impl Ends,
    holder: &str,
    seqs: &[i64],
    events: &str,
    reason: &str,
) -> Result<Delivered, shared::Error> {
    let begun = Instant::now();
    let singles: Vec<&serde_json::value::RawValue> = serde_json::from_str(events).unwrap_or_default();
    if singles.len() != seqs.len() {
        return Ok(Err((Vec::new(), format!("the outbox gave a batch that cannot be split: {reason}"))));
    }
    let mut done = Vec::new();
    for (seq, event) in seqs.iter().zip(singles) {
        match ends.post(event.get()) {
            Delivery::Stored => done.push(*seq),
            Delivery::Refused(reason) => ends.refuse(holder, *seq, &reason)?,
            Delivery::Failed(reason) => return Ok(Err((done, reason))),
        }
        if begun.elapsed() >= MAX_SINGLES_TIME {
            break;
        }
    }
    Ok(Ok(done))
}

#[cfg(test)]
mod tests;
