//! About the service itself: its health, its contract, and a page to try it.

use shared::response::Response;

use crate::Error;
use crate::store::{Backlog, Store};

/// Packed by the build script, as is the contract: two thirds of a component's data would else be these two.
const PAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/index.html.lz4"));

/// Computed by the build script from the page's style and script.
const PAGE_POLICY: &str = env!("PAGE_POLICY");

const CONTRACT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json.lz4"));

/// Touches nothing outside the component: a restart mends nothing that is elsewhere.
pub fn liveness() -> Response {
    Response::new(200).text("ok\n".to_owned()).header("cache-control", "no-store")
}

/// Whether requests can be served: the database has to answer. Trouble with audit is told, but is no reason to take
/// this instance out: operations go on, their events wait.
pub fn readiness(store: &mut Store) -> Result<Response, Error> {
    let backlog = store.backlog().map_err(|error| shared::Error::NotReady(Box::new(error)))?;
    Ok(Response::new(200).text(report(&backlog)).header("cache-control", "no-store"))
}

fn report(backlog: &Backlog) -> String {
    if !backlog.failing {
        return "database: ok\naudit: ok\n".to_owned();
    }
    let events = match backlog.waiting {
        10_001.. => "more than 10000 events".to_owned(),
        1 => "1 event".to_owned(),
        waiting => format!("{waiting} events"),
    };
    // Whole seconds: formatting a float costs 10 kB of component.
    format!("database: ok\naudit: failing, {events} waiting, oldest {} s\n", backlog.oldest_seconds as u64)
}

pub fn page() -> Response {
    Response::new(200).body("text/html; charset=utf-8", unpack(PAGE)).header("content-security-policy", PAGE_POLICY)
}

pub fn contract() -> Response {
    Response::new(200).body("application/json", unpack(CONTRACT))
}

fn unpack(document: &[u8]) -> Vec<u8> {
    lz4_flex::decompress_size_prepended(document).expect("the build script packs what can be unpacked")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_says_what_waits_for_audit() {
        let report = |waiting, oldest_seconds, failing| report(&Backlog { waiting, oldest_seconds, failing });
        assert_eq!(report(3, 0.1, false), "database: ok\naudit: ok\n");
        assert_eq!(report(1, 12.9, true), "database: ok\naudit: failing, 1 event waiting, oldest 12 s\n");
        assert_eq!(report(0, 0.0, true), "database: ok\naudit: failing, 0 events waiting, oldest 0 s\n");
        assert_eq!(
            report(10_001, 5.0, true),
            "database: ok\naudit: failing, more than 10000 events waiting, oldest 5 s\n"
        );
    }

    #[test]
    fn the_policy_of_the_page_allows_its_own_style_and_script_and_nothing_unsafe() {
        let page = String::from_utf8(unpack(PAGE)).unwrap();
        for (element, directive) in [("<style>", "style-src"), ("<script>", "script-src")] {
            let hashes = PAGE_POLICY.split("; ").find(|part| part.starts_with(directive)).expect(directive);
            assert_eq!(hashes.matches("'sha256-").count(), page.matches(element).count(), "{hashes}");
        }
        assert!(!PAGE_POLICY.contains("unsafe"));
        for forbidden in [" style=\"", " onclick=\"", "<script ", "<style "] {
            assert!(!page.contains(forbidden), "{forbidden} is not covered by the policy");
        }
    }

    #[test]
    fn the_contract_is_json() {
        assert!(shared::json::Json::parse(&unpack(CONTRACT)).is_ok());
    }
}
