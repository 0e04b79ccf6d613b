//! Which format and which coding a scrape gets (RFC 9110, section 12.5).

use http::header::{ACCEPT, ACCEPT_ENCODING};
use http::{HeaderMap, HeaderName};

/// Whether the client asks for OpenMetrics 1.0 and does not prefer text. A client that names no format gets text.
pub fn wants_open_metrics(headers: &HeaderMap) -> bool {
    let text = weight(headers, ACCEPT, "text/plain", "0.0.4");
    let text = text.or_else(|| weight(headers, ACCEPT, "text/*", "")).or_else(|| weight(headers, ACCEPT, "*/*", ""));
    let open = weight(headers, ACCEPT, "application/openmetrics-text", "1.0.0").unwrap_or(0.0);
    open > 0.0 && open >= text.unwrap_or(0.0)
}

/// Whether the client accepts a body that is compressed with gzip.
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let gzip = weight(headers, ACCEPT_ENCODING, "gzip", "");
    gzip.or_else(|| weight(headers, ACCEPT_ENCODING, "*", "")).unwrap_or(0.0) > 0.0
}

/// The largest weight of the elements that name `wanted`, in this version or in any; `None` without such an element.
fn weight(headers: &HeaderMap, list: HeaderName, wanted: &str, version: &str) -> Option<f32> {
    let values = headers.get_all(list).into_iter().filter_map(|value| value.to_str().ok());
    let weights = values.flat_map(|value| value.split(',')).filter_map(|element| {
        let mut parts = element.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case(wanted) {
            return None;
        }
        let mut weight = 1.0;
        for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
            if name.eq_ignore_ascii_case("q") {
                weight = value.parse().ok()?;
            } else if name.eq_ignore_ascii_case("version") && value.trim_matches('"') != version {
                return None;
            }
        }
        Some(weight)
    });
    weights.reduce(f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn open_metrics_is_for_those_who_ask_for_it() {
        for (accept, open) in [
            // Prometheus 2 and 3.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                true,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.2",
                true,
            ),
            ("Application/OpenMetrics-Text; Version=\"1.0.0\"", true),
            ("application/openmetrics-text", true),
            ("application/openmetrics-text; version=0.0.1", false),
            ("application/openmetrics-text; q=0", false),
            ("application/openmetrics-text; q=0.5, text/plain", false),
            ("application/openmetrics-text; q=0.5, */*", false),
            ("text/plain; version=0.0.4", false),
            ("*/*", false),
            ("", false),
        ] {
            assert_eq!(wants_open_metrics(&headers(ACCEPT, accept)), open, "{accept}");
        }
        assert!(!wants_open_metrics(&HeaderMap::new()));
    }

    #[test]
    fn gzip_is_for_those_who_accept_it() {
        for (accept, gzip) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("*", true),
            ("gzip;q=0, *", false),
            ("identity", false),
            ("", false),
        ] {
            assert_eq!(accepts_gzip(&headers(ACCEPT_ENCODING, accept)), gzip, "{accept}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
