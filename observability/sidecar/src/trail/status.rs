//! What the signer found last, as metrics and for `GET /checkpoint`.

use std::fmt::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use crate::metrics::exposition::Exposition;

/// What the signer found last.
#[derive(Debug, Default)]
pub struct Status(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// The last checkpoint, and the size of its tree.
    checkpoint: Option<(String, u64)>,
    /// Whether the tree was another than the last head's, and when it was compared.
    forked: Option<(bool, Instant)>,
}

impl Status {
    /// The last checkpoint; `None` before the first.
    pub fn checkpoint(&self) -> Option<String> {
        self.lock().checkpoint.as_ref().map(|(note, _)| note.clone())
    }

    /// Records a checkpoint and the size of its tree.
    pub fn signed(&self, note: &str, size: u64) {
        self.lock().checkpoint = Some((note.to_owned(), size));
    }

    /// Records a comparison. Returns whether its result is another than that of the last one.
    pub fn compared(&self, forked: bool) -> bool {
        let before = self.lock().forked.replace((forked, Instant::now()));
        before.is_some_and(|(before, _)| before) != forked
    }

    /// The content is consistent after every statement, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Status {
    /// Before the first comparison there are no values.
    fn encode(&self, encoder: DescriptorEncoder) -> Result<(), Error> {
        let inner = self.lock();
        let out = &mut Exposition(encoder);
        if let Some((forked, at)) = inner.forked {
            out.gauge(
                "audit_trail_forked",
                "1 if the trail in the database does not continue the last signed head, else 0.",
                i64::from(forked),
            )?;
            let age = at.elapsed().as_secs_f64();
            out.gauge(
                "audit_trail_compared_age_seconds",
                "Time since the trail was compared with its last head.",
                age,
            )?;
        }
        if let Some((_, size)) = inner.checkpoint {
            out.gauge("audit_trail_batches", "Batches of the trail that the last signed head covers.", size)?;
        }
        Ok(())
    }
}
