//! Whether this instance lives, and whether it can serve.

use http_toolkit::{Request, Response};

use crate::Error;
use crate::store::{Backlog, Store};

/// `GET /livez`: 200. Touches nothing outside the component, because a restart cannot fix what is elsewhere.
pub fn liveness(_: &Request, _: &Store) -> Result<Response<'static>, Error> {
    Ok(Response::new(200).text("ok\n".to_owned()).header("cache-control", "no-store"))
}

/// `GET /readyz`: 200 if an operation can be done, with one line per check. Each operation writes an event, so this
/// does too, and removes it. Trouble with audit is a line, not a 503: operations go on, and their events wait in the
/// outbox.
///
/// # Errors
/// 503 with the reason if no operation can be done.
pub fn readiness(_: &Request, store: &Store) -> Result<Response<'static>, Error> {
    let backlog = store.backlog().map_err(shared::Error::not_ready)?;
    Ok(Response::new(200).text(report(&backlog)).header("cache-control", "no-store"))
}

/// The lines of a readiness check that succeeds.
#[inline]
pub fn report(backlog: &Backlog) -> String {
    if !backlog.failing {
        return "database: ok\naudit: ok\n".to_owned();
    }
    let events = match backlog.waiting {
        10_001.. => "more than 10000 events".to_owned(),
        1 => "1 event".to_owned(),
        waiting => format!("{waiting} events"),
    };
    // Seconds as an integer, because code that formats a float adds 10 kB to a component.
    format!("database: ok\naudit: failing, {events} waiting, oldest {} s\n", backlog.oldest_seconds as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_reports_the_events_that_wait_for_audit() {
        let report = |waiting, oldest_seconds, failing| report(&Backlog { waiting, oldest_seconds, failing });
        assert_eq!(report(3, 0.1, false), "database: ok\naudit: ok\n");
        assert_eq!(report(1, 12.9, true), "database: ok\naudit: failing, 1 event waiting, oldest 12 s\n");
        assert_eq!(report(0, 0.0, true), "database: ok\naudit: failing, 0 events waiting, oldest 0 s\n");
        assert_eq!(
            report(10_001, 5.0, true),
            "database: ok\naudit: failing, more than 10000 events waiting, oldest 5 s\n"
        );
    }
}
