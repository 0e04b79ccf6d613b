//! Time: deadlines, pauses, timestamps and durations as text.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wasi::clocks::monotonic_clock;
use wasi::io::poll::{Pollable, poll};

/// A point on the monotonic clock after which waiting stops.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(u64);

impl Deadline {
    /// `duration` from now.
    pub fn after(duration: Duration) -> Self {
        Self(monotonic_clock::now().saturating_add(nanoseconds(duration)))
    }

    /// The earlier of the two.
    pub fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    /// Waits until `event` is ready; `false` if the deadline came first.
    pub fn wait(self, event: &Pollable) -> bool {
        let clock = monotonic_clock::subscribe_instant(self.0);
        poll(&[event, &clock]).contains(&0)
    }
}

/// Blocks this instance for `duration`.
pub fn pause(duration: Duration) {
    monotonic_clock::subscribe_duration(nanoseconds(duration)).block();
}

fn nanoseconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000_000).saturating_add(u64::from(duration.subsec_nanos()))
}

/// The time since 1970, by the wall clock.
pub fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Now, as RFC 3339 in UTC with milliseconds.
pub fn timestamp() -> String {
    rfc3339(since_epoch())
}

/// `since_epoch` as RFC 3339 in UTC with milliseconds.
///
/// The date comes from counting days in 400-year eras that begin on 1 March, where the leap day is the last of its
/// year.
fn rfc3339(since_epoch: Duration) -> String {
    let seconds = since_epoch.as_secs();
    let days = seconds / 86_400 + 719_468; // from 0000-03-01
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153; // 0 is March
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        seconds / 3_600 % 24,
        seconds / 60 % 60,
        seconds % 60,
        since_epoch.subsec_millis()
    )
}

/// A duration in milliseconds with three decimals. Uses integers only, because code that formats a float adds 10 kB to
/// a component.
pub fn milliseconds(duration: Duration) -> String {
    let milliseconds = duration.as_secs() * 1_000 + u64::from(duration.subsec_millis());
    format!("{milliseconds}.{:03}", duration.subsec_micros() % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_in_rfc_3339() {
        for (seconds, milliseconds, expected) in [
            (0, 0, "1970-01-01T00:00:00.000Z"),
            (951_782_399, 999, "2000-02-28T23:59:59.999Z"),
            (951_782_400, 0, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199, 0, "2024-02-29T23:59:59.000Z"),
            (1_709_251_200, 7, "2024-03-01T00:00:00.007Z"),
            (1_798_761_599, 0, "2026-12-31T23:59:59.000Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(Duration::from_secs(seconds) + Duration::from_millis(milliseconds)), expected);
        }
    }

    #[test]
    fn durations_are_written_in_milliseconds() {
        for (microseconds, expected) in [(0, "0.000"), (7, "0.007"), (1_234, "1.234"), (61_000_050, "61000.050")] {
            assert_eq!(milliseconds(Duration::from_micros(microseconds)), expected);
        }
    }
}
