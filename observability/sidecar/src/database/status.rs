use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::reading::Reading;

/// How the last reading ended, and the values of the last successful one.
#[derive(Debug, Default)]
pub struct Status(Mutex<Inner>);

/// The content of a [`Status`].
#[derive(Clone, Debug, Default)]
pub struct Inner {
    /// [`Reading::state`] of the last reading, `lost` if it failed; `None` before the first.
    pub state: Option<&'static str>,
    /// How long the last reading took.
    pub took: Duration,
    /// Readings since the start.
    pub succeeded: u64,
    /// Readings since the start.
    pub failed: u64,
    /// The last values, and when they were read.
    pub values: Option<(Instant, Arc<Reading>)>,
}

impl Status {
    /// How many readings have ended, successfully or not.
    pub fn readings(&self) -> u64 {
        let inner = self.lock();
        inner.succeeded + inner.failed
    }

    /// A copy.
    pub fn get(&self) -> Inner {
        self.lock().clone()
    }

    /// Records a reading, `None` for a failed one. Returns whether the state has changed with it.
    pub fn record(&self, took: Duration, reading: Option<Reading>) -> bool {
        let mut inner = self.lock();
        inner.took = took;
        let state = reading.as_ref().map_or("lost", Reading::state);
        match reading {
            Some(reading) => {
                inner.succeeded += 1;
                inner.values = Some((Instant::now(), Arc::new(reading)));
            }
            None => inner.failed += 1,
        }
        inner.state.replace(state) != Some(state)
    }

    /// The content is consistent after every statement, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_change_of_state_is_reported_and_a_loss_keeps_the_values() {
        let status = Status::default();
        let read_only = || Reading { obstacle: Some("not ready: read-only".to_owned()), ..Reading::default() };
        let readings = [
            None,
            None,
            Some(Reading::default()),
            Some(Reading::default()),
            Some(read_only()),
            Some(read_only()),
            None,
        ];
        let changes = readings.map(|reading| status.record(Duration::ZERO, reading));
        assert_eq!(changes, [true, false, true, false, true, false, true]);
        let inner = status.get();
        assert_eq!((inner.succeeded, inner.failed), (4, 3));
        assert!(inner.values.is_some());
    }
}
