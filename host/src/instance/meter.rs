//! The CPU time of one instance, and whether it has to end.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{LazyLock, OnceLock};
use std::task::Poll;
use std::time::{Duration, Instant};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Adds up the time in which an instance's future is polled. Between two polls it waits, which does not count.
#[derive(Debug, Default)]
pub struct Meter {
    /// In nanoseconds, as all times here.
    spent: AtomicU64,
    entered: AtomicU64,
    /// Why the instance has to end.
    stopped: OnceLock<String>,
}

impl Meter {
    /// Runs `instance` and counts its time.
    pub async fn measure<T>(&self, instance: impl Future<Output = T>) -> T {
        let mut instance = pin!(instance);
        poll_fn(|context| {
            self.entered.store(now(), Relaxed);
            let result = instance.as_mut().poll(context);
            self.spent.fetch_add(self.running(), Relaxed);
            result
        })
        .await
    }

    /// Ends the instance the next time that it waits. For a caller inside the instance's poll.
    pub fn stop(&self, reason: String) {
        let _ = self.stopped.set(reason);
    }

    /// The reason of [`Meter::stop`], once there is one. Has no waker: poll it after the instance, in the same task.
    pub async fn stopped(&self) -> &str {
        poll_fn(|_| self.stopped.get().map_or(Poll::Pending, |reason| Poll::Ready(reason.as_str()))).await
    }

    /// The time so far, for a caller inside the instance's poll.
    pub fn spent(&self) -> Duration {
        Duration::from_nanos(self.spent.load(Relaxed) + self.running())
    }

    /// The time in all, for a caller after the instance has ended.
    pub fn total(&self) -> Duration {
        Duration::from_nanos(self.spent.load(Relaxed))
    }

    fn running(&self) -> u64 {
        now().saturating_sub(self.entered.load(Relaxed))
    }
}

fn now() -> u64 {
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_does_not_count_and_working_does() {
        let meter = Meter::default();
        let worked = Duration::from_millis(20);
        let spent = meter
            .measure(async {
                tokio::time::sleep(Duration::from_millis(200)).await;
                let start = Instant::now();
                while start.elapsed() < worked {}
                meter.spent()
            })
            .await;
        assert!(spent >= worked && spent < Duration::from_millis(150), "{spent:?}");
    }
}
