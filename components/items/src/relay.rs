//! The relay: delivers the events of the outbox to audit in batches, after the response, in the instance that has the
//! lease.
//!
//! An event leaves the outbox once audit has stored it or refused it for good; until then it is sent again, and audit
//! stores it once. Nothing waits for the relay, and nothing depends on this instance: if it dies, its lease expires
//! after two seconds, and another instance goes on.

pub mod delivery;
pub mod peers;

use std::time::{Duration, Instant};

use http_toolkit::log::{Level, Line};
use http_toolkit::{Context, causes};
use shared::audit_api::MAX_EVENTS;

use crate::routes::ITEMS;
use crate::store::{Next, Store};
use delivery::Delivery;
use peers::{Connected, Peers};

/// One holder of the lease relays no longer than this, …
const MAX_TIME: Duration = Duration::from_secs(2);

/// … and no more batches than this; then it frees the lease for another.
const MAX_BATCHES: u32 = 50;

/// The pause between batches, in which events gather: a larger batch is worth its request.
const PAUSE: Duration = Duration::from_millis(20);

/// The pause before a last look into an empty outbox: a statement that saw the lease held may commit within this time.
const LAST_LOOK: Duration = Duration::from_millis(50);

/// Relays, if this request obtained the lease, until no event waits, a bound is reached, audit fails or the lease is
/// lost. Errors become log lines.
pub fn run(store: &Store, context: &Context) {
    let relayed = match store.lease() {
        Ok(None) => return,
        Ok(Some(holder)) => relay(&mut Connected::new(store, context), holder),
        Err(error) => Err(error),
    };
    if let Err(error) = relayed {
        log(context, Level::Error, "relay stopped", &causes(&error));
    }
}

fn log(context: &Context, level: Level, message: &str, cause: &str) {
    Line::new(level, ITEMS.name, message).text("request_id", &context.request_id).error(cause).print();
}

/// Relays with the lease of `holder`.
///
/// # Errors
/// Those of the outbox; the lease expires by itself then.
pub fn relay(peers: &mut impl Peers, mut holder: String) -> Result<(), shared::Error> {
    let begun = Instant::now();
    let mut batches = 0;
    let mut done = Vec::new();
    // How many events of a batch that audit refused are still to be sent one by one.
    let mut singles = 0_usize;
    loop {
        let most = if singles == 0 { MAX_EVENTS } else { 1 };
        let (seqs, events) = match peers.next(&holder, &done, most)? {
            Next::Batch { seqs, events } => (seqs, events),
            Next::Lost => return Ok(()),
            Next::Drained => {
                peers.pause(LAST_LOOK);
                match peers.take()? {
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
        done = match (peers.post(&events), &*seqs) {
            (Delivery::Stored, _) => seqs,
            (Delivery::Refused(reason), &[seq]) => {
                peers.refuse(&holder, seq, &reason)?;
                Vec::new()
            }
            (Delivery::Refused(_), _) => {
                singles = seqs.len();
                Vec::new()
            }
            (Delivery::Failed(reason), _) => return peers.fail(&holder, &reason),
        };
        batches += u32::from(singles == 0);
        if batches >= MAX_BATCHES || begun.elapsed() >= MAX_TIME {
            return peers.release(&holder, &done);
        }
        if singles == 0 {
            peers.pause(PAUSE);
        }
    }
}

#[cfg(test)]
mod tests;
