//! The events of the trail.

use std::collections::HashMap;

use futures::TryStreamExt;
use ring::digest::{Context, SHA256};
use sqlx::postgres::PgConnection;
use sqlx::query_as;

use super::Report;
use super::batches::{Batch, Batches, unbatched};
use crate::trail::tree::{Hash, sha256};

/// What the functions `audit_digest` and `audit_commitment` digest.
const EVENTS: &str = "
    SELECT id, action, item_id, ROW(id, event_id, action, outcome, item_id, request_id, trace_id)::text,
           timestamptz_send(created_at) || timestamptz_send(stored_at), ROW(actor, client_addr, details)::text, salt,
           commitment, CASE WHEN action = 'prune' THEN details ->> 'below' END
      FROM public.audit_logs ORDER BY id";

/// A row of [`EVENTS`].
type Row = (i64, String, Option<i64>, String, Vec<u8>, String, Option<Vec<u8>>, Option<Vec<u8>>, Option<String>);

/// What is left of actor, client address and details when they are erased.
const ERASED: &str = "(,,)";

/// How many events are read between two reports of progress.
const STEP: u64 = 100_000;

/// What events say about removals.
#[derive(Default)]
struct Removals {
    /// Below this batch, events were pruned.
    pruned_below: u64,
    /// Items with erased events, and the last batch with one.
    erased: HashMap<Option<i64>, u64>,
    /// Items that an event `erase` names, and the last batch with one.
    erasures: HashMap<Option<i64>, u64>,
}

/// Compares the events with their batches, and counts them.
pub async fn compare(
    connection: &mut PgConnection,
    batches: &Batches,
    report: &mut Report,
    progress: impl Fn(u64),
) -> Result<(), sqlx::Error> {
    let unbatched = unbatched(connection).await?;
    let mut removals = Removals::default();
    let mut gone: Vec<&Batch> = Vec::new();
    let mut first_kept = u64::MAX;
    let mut open = batches.events.iter().peekable();
    let (mut digests, mut count, mut read) = (Context::new(&SHA256), 0, 0);
    let mut rows = query_as::<_, Row>(EVENTS).fetch(connection);
    loop {
        let row = rows.try_next().await?;
        // The batches that end before this event.
        while let Some(batch) = open.next_if(|batch| row.as_ref().is_none_or(|row| row.0 > batch.last)) {
            let digest = std::mem::replace(&mut digests, Context::new(&SHA256)).finish();
            let count = std::mem::take(&mut count);
            if count == 0 {
                gone.push(batch);
                continue;
            }
            first_kept = first_kept.min(batch.number);
            let Batch { number, first, last, events, .. } = batch;
            if count != *events {
                report.wrong(*number, format!("it has {count} of its {events} events, ids {first} to {last}"));
            } else if hex(digest.as_ref()) != batch.digest {
                report.wrong(*number, format!("its events, ids {first} to {last}, are not those that were stored"));
            }
        }
        let Some(row) = row else { break };
        let id = row.0;
        read += 1;
        if read % STEP == 0 {
            progress(read);
        }
        match open.peek().filter(|batch| batch.first <= id) {
            Some(batch) => {
                count += 1;
                *(if batch.number < report.batches { &mut report.events } else { &mut report.newer }) += 1;
                match removals.digest(batch.number, row) {
                    Some(digest) => digests.update(&digest),
                    None => report.wrong(batch.number, format!("event {id} is erased in part")),
                }
            }
            None if unbatched.is_some_and(|(first, end)| (first..end).contains(&id)) => {
                let text =
                    format!("event {id} is in no batch, for the upgrade is not complete; fix: apply schema/schema.sql");
                report.wrong(batches.size, text);
            }
            None => report.wrong(batches.size, format!("event {id} is in no batch: it did not come through audit")),
        }
    }
    drop(rows);
    removals.compare(&gone, first_kept, report);
    Ok(())
}

impl Removals {
    /// The digest of an event of `batch`, of which this takes note; `None` if a part of it is neither there nor erased.
    fn digest(&mut self, batch: u64, row: Row) -> Option<Hash> {
        let (_, action, item, text, moments, content, salt, commitment, below) = row;
        let commitment: Hash = match (salt, commitment) {
            (Some(salt), None) => sha256(&[&salt, content.as_bytes()]),
            (None, Some(commitment)) if content == ERASED => {
                let last = self.erased.entry(item).or_default();
                *last = batch.max(*last);
                commitment.try_into().ok()?
            }
            _ => return None,
        };
        if action == "erase" {
            let last = self.erasures.entry(item).or_default();
            *last = batch.max(*last);
        }
        let below = below.and_then(|below| below.parse().ok()).unwrap_or(0).min(batch);
        self.pruned_below = self.pruned_below.max(below);
        Some(sha256(&[text.as_bytes(), &moments, &commitment]))
    }

    /// Compares what is missing with the events that say so. `gone` are the batches without events, `first_kept` is the
    /// first with some.
    fn compare(&self, gone: &[&Batch], first_kept: u64, report: &mut Report) {
        for batch in gone.iter().filter(|batch| batch.number >= self.pruned_below) {
            let Batch { number, events, first, last, .. } = batch;
            report.wrong(
                *number,
                format!("its {events} events, ids {first} to {last}, are gone, and no event `prune` says so"),
            );
        }
        if first_kept < self.pruned_below {
            let text = "an event `prune` says that its events are gone, and some are there";
            report.wrong(first_kept, text);
        }
        for (item, batch) in &self.erased {
            if self.erasures.get(item).is_none_or(|erasure| erasure <= batch) || item.is_none() {
                let item = item.map_or_else(|| "no item".to_owned(), |item| format!("item {item}"));
                report.wrong(*batch, format!("an event of {item} is erased, and no event `erase` says so"));
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
