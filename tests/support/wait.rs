//! Waiting for a condition, with a deadline and a message.

use std::time::{Duration, Instant};

/// How long a test waits for something that should take milliseconds.
pub const SOON: Duration = Duration::from_secs(10);

const PAUSE: Duration = Duration::from_millis(10);

/// Calls `check` until it returns a value. Until then it returns what it saw instead, which the panic after `deadline`
/// shows.
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
