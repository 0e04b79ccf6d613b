use std::thread;
use std::time::{Duration, Instant};

/// Long enough for a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Tries until it succeeds.
///
/// # Panics
/// After [`DEADLINE`], with the last reason.
pub fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match attempt() {
            Ok(value) => return value,
            Err(reason) if Instant::now() > deadline => panic!("not within {DEADLINE:?}: {what}; last: {reason}"),
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    }
}
