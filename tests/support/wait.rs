//! Waiting for a condition, with a deadline and a message.

use std::time::{Duration, Instant};

/// How long a test waits for something that should take milliseconds.
pub const SOON: Duration = Duration::from_secs(10);

const PAUSE: Duration = Duration::from_millis(10);

/// Asks `check` again and again until it gives a value. `check` answers `Err` with what it saw instead.
///
/// # Panics
/// After `deadline`, with `what` and the last thing `check` saw.
pub async fn eventually<T>(what: &str, deadline: Duration, mut check: impl AsyncFnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match check().await {
            Ok(value) => return value,
            Err(saw) if start.elapsed() > deadline => panic!("{what}: not within {deadline:?}; last seen: {saw}"),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
