//! What joins a response, its log line and its audit event.

use std::time::Duration;

use crate::clock;
use crate::headers::Headers;

/// The ids of one request, and its caller.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// The caller's `X-Request-Id` if it is well-formed, otherwise a new UUID.
    pub request_id: String,
    /// 32 lower-case hexadecimal digits, when the caller sent a valid `traceparent`.
    pub trace_id: Option<String>,
    /// `address:port` of the peer, as the host saw it: the caller's, or a proxy's.
    pub peer: Option<String>,
    /// `X-Forwarded-For`, its lines joined by commas. Anybody can send this header, so it counts only behind a proxy
    /// that is trusted.
    pub forwarded_for: Option<String>,
    /// The caller's name from `X-Actor`. Anybody can send this header, so it counts only behind a proxy that sets or
    /// removes it.
    pub claimed_actor: Option<String>,
}

impl Context {
    /// Reads the headers. `fresh` makes a request id where the caller's is missing or not well-formed.
    pub fn from_headers(headers: &Headers, fresh: impl FnOnce() -> String) -> Self {
        Self {
            request_id: request_id(headers).map_or_else(fresh, str::to_owned),
            trace_id: headers.only("traceparent").and_then(trace_id).map(str::to_owned),
            // The host appends its own value; every value before it came from the client.
            peer: headers.last("spin-client-addr").map(str::to_owned),
            forwarded_for: headers.list("x-forwarded-for").and_then(|list| String::from_utf8(list).ok()),
            claimed_actor: headers.only("x-actor").and_then(actor).map(str::to_owned),
        }
    }
}

/// The caller's `X-Request-Id` if it is well-formed: one header of 1 to 128 characters out of `A-Z a-z 0-9 . _ -`,
/// which need no escaping in a header, a log query or a shell.
fn request_id(headers: &Headers) -> Option<&str> {
    let id = headers.only("x-request-id")?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    ((1..=128).contains(&id.len()) && id.bytes().all(allowed)).then_some(id)
}

/// The trace id of a `traceparent` (W3C Trace Context, section 3.2): `version-traceid-parentid-flags`, lower-case
/// hexadecimal, neither id all zero. Version `ff` is invalid; versions after `00` may carry more fields.
fn trace_id(traceparent: &str) -> Option<&str> {
    let mut parts = traceparent.split('-');
    let version = hex(parts.next()?, 2)?;
    let trace = hex(parts.next()?, 32)?;
    let parent = hex(parts.next()?, 16)?;
    hex(parts.next()?, 2)?;
    let zero = |id: &str| id.bytes().all(|byte| byte == b'0');
    let complete = version != "00" || parts.next().is_none();
    (version != "ff" && complete && !zero(trace) && !zero(parent)).then_some(trace)
}

/// A name of 1 to 200 characters without control characters.
fn actor(name: &str) -> Option<&str> {
    ((1..=200).contains(&name.chars().count()) && !name.contains(char::is_control)).then_some(name)
}

fn hex(part: &str, length: usize) -> Option<&str> {
    (part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))).then_some(part)
}

/// A UUID of version 7. Such ids are ordered by time, so an index of them grows at its end only.
pub fn uuid() -> String {
    uuid_v7(clock::since_epoch(), wasi::random::random::get_random_u64())
}

/// RFC 9562, sections 5.7 and 6.2 (method 3): milliseconds, the fraction of a millisecond in 12 bits, random bits.
fn uuid_v7(since_epoch: Duration, random: u64) -> String {
    let milliseconds = since_epoch.as_secs() * 1_000 + u64::from(since_epoch.subsec_millis());
    let fraction = u64::from(since_epoch.subsec_nanos() % 1_000_000) * 4_096 / 1_000_000;
    let random = random & !(0b11 << 62) | (0b10 << 62);
    format!(
        "{:08x}-{:04x}-7{fraction:03x}-{:04x}-{:012x}",
        milliseconds >> 16,
        milliseconds & 0xffff,
        random >> 48,
        random & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn context(headers: &[(&str, &str)]) -> Context {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        Context::from_headers(&Headers::new(headers), || "fresh".to_owned())
    }

    #[test]
    fn a_well_formed_request_id_is_kept_and_any_other_is_replaced() {
        let longest = "x".repeat(128);
        for id in ["a", "550e8400-e29b-41d4-a716-446655440000", "A.b_c-9", &longest] {
            assert_eq!(context(&[("X-Request-Id", id)]).request_id, id);
        }
        for id in ["", "a b", "a\tb", "a\u{7f}", "a;b", "é", "x/y", &"x".repeat(129)] {
            assert_eq!(context(&[("x-request-id", id)]).request_id, "fresh", "{id:?}");
        }
        assert_eq!(context(&[]).request_id, "fresh");
        assert_eq!(context(&[("x-request-id", "a"), ("x-request-id", "b")]).request_id, "fresh");
    }

    #[test]
    fn an_actor_is_one_short_printable_name() {
        let longest = "é".repeat(200);
        for name in ["jane@example.org", "Jane Doe", &longest] {
            assert_eq!(context(&[("x-actor", name)]).claimed_actor.as_deref(), Some(name));
        }
        for headers in [&[("x-actor", "")][..], &[("x-actor", "a\u{1}")], &[("x-actor", "a"), ("x-actor", "b")], &[]] {
            assert_eq!(context(headers).claimed_actor, None, "{headers:?}");
        }
        assert_eq!(context(&[("x-actor", &"x".repeat(201))]).claimed_actor, None);
    }

    #[test]
    fn a_trace_id_comes_only_from_a_valid_traceparent() {
        const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
        let trace_id = |header: &str| context(&[("traceparent", header)]).trace_id;
        for header in [
            format!("00-{TRACE}-b7ad6b7169203331-01"),
            format!("00-{TRACE}-b7ad6b7169203331-00"),
            format!("cc-{TRACE}-b7ad6b7169203331-01"),
            format!("cc-{TRACE}-b7ad6b7169203331-01-later-field"),
        ] {
            assert_eq!(trace_id(&header).as_deref(), Some(TRACE), "{header}");
        }
        for header in [
            String::new(),
            TRACE.to_owned(),
            format!("00-{TRACE}-b7ad6b7169203331"),
            format!("00-{TRACE}-b7ad6b7169203331-01-more"),
            format!("00-{TRACE}-b7ad6b7169203331-01-"),
            format!("ff-{TRACE}-b7ad6b7169203331-01"),
            format!("0-{TRACE}-b7ad6b7169203331-01"),
            format!("00-{}-b7ad6b7169203331-01", TRACE.to_uppercase()),
            format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{TRACE}-b7ad6b7169203331-0g"),
            format!(" 00-{TRACE}-b7ad6b7169203331-01"),
        ] {
            assert_eq!(trace_id(&header), None, "{header}");
        }
        let valid = format!("00-{TRACE}-b7ad6b7169203331-01");
        assert_eq!(context(&[("traceparent", &valid), ("traceparent", &valid)]).trace_id, None);
    }

    #[test]
    fn the_peer_is_the_one_that_the_host_appended() {
        let forged = context(&[("spin-client-addr", "6.6.6.6:1"), ("spin-client-addr", "127.0.0.1:50000")]);
        assert_eq!(forged.peer.as_deref(), Some("127.0.0.1:50000"));
        assert_eq!(context(&[]).peer, None);
    }

    #[test]
    fn fresh_ids_are_uuids_of_version_7_ordered_by_time() {
        assert_eq!(uuid_v7(Duration::ZERO, 0), "00000000-0000-7000-8000-000000000000");
        // The example of RFC 9562, A.6, but for the fraction.
        let example = Duration::from_millis(0x017f_22e2_79b0);
        assert_eq!(uuid_v7(example, 0x18c4_dc0c_0c07_398f), "017f22e2-79b0-7000-98c4-dc0c0c07398f");
        assert_eq!(uuid_v7(example + Duration::from_nanos(999_999), u64::MAX), "017f22e2-79b0-7fff-bfff-ffffffffffff");
    }
}
