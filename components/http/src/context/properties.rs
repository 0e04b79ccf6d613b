//! Generated headers, checked against an independent model of the rules for request ids and `traceparent`.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

fn context(headers: Vec<(&str, &[u8])>) -> Context {
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
    Context::from_headers(&Headers::new(headers), || "fresh".to_owned())
}

/// W3C Trace Context by position: 2, 32, 16 and 2 digits joined by hyphens; more fields only in versions after 00.
fn is_traceparent(text: &[u8]) -> bool {
    let digits = |part: &[u8]| part.iter().all(|byte| b"0123456789abcdef".contains(byte));
    let id = |part: &[u8]| digits(part) && part.iter().any(|byte| *byte != b'0');
    text.len() >= 55
        && [2, 35, 52].iter().all(|at| text[*at] == b'-')
        && digits(&text[..2])
        && &text[..2] != b"ff"
        && id(&text[3..35])
        && id(&text[36..52])
        && digits(&text[53..55])
        && (text.len() == 55 || text[55] == b'-' && &text[..2] != b"00")
}

proptest! {
    #[test]
    fn a_well_formed_request_id_is_kept_and_one_wrong_character_replaces_it(
        id in "[A-Za-z0-9._-]{1,9}|[A-Za-z0-9._-]{127,128}", odd in prop_oneof![any::<char>(), select(&['a', 'Z', '0', '-', ' ', '/', '\u{7f}'][..])], at in any::<Index>(),
    ) {
        prop_assert_eq!(&context(vec![("x-request-id", id.as_bytes())]).request_id, &id);
        prop_assert_eq!(&context(vec![("x-request-id", id.as_bytes()), ("X-Request-Id", b"a")]).request_id, "fresh");
        let allowed = odd.is_ascii_alphanumeric() || odd == '.' || odd == '_' || odd == '-';
        let mut broken = id;
        broken.insert(at.index(broken.len() + 1), odd);
        let kept = allowed && broken.len() <= 128;
        let expected = if kept { broken.as_str() } else { "fresh" };
        prop_assert_eq!(context(vec![("x-request-id", broken.as_bytes())]).request_id, expected);
    }

    #[test]
    fn a_trace_id_is_read_from_a_valid_traceparent_and_from_nothing_else(
        version in select(&["00", "01", "cc", "ff"][..]),
        trace in "[0-9a-f]{32}|0{32}",
        parent in "[0-9a-f]{16}|0{16}",
        flags in "[0-9a-f]{2}",
        rest in "(-[a-z0-9-]{0,6})?",
        at in any::<Index>(),
        edit in prop_oneof![
            Just(None),
            (0..=1_usize, prop::option::of(select(&[b'-', b'0', b'g', b'A', b' ', 0xc3][..]))).prop_map(Some),
        ],
    ) {
        let mut header = format!("{version}-{trace}-{parent}-{flags}{rest}").into_bytes();
        if let Some((removed, put)) = edit {
            let from = at.index(header.len());
            header.splice(from..from + removed, put);
        }
        let expected = (is_traceparent(&header) && header.is_ascii()).then(|| String::from_utf8(header[3..35].to_vec()).unwrap());
        prop_assert_eq!(context(vec![("traceparent", &header)]).trace_id, expected);
    }

    #[test]
    fn values_that_are_kept_need_no_escaping(
        headers in prop::collection::vec(
            (select(&["x-request-id", "traceparent", "x-actor", "spin-client-addr", "X-Actor"][..]), prop::collection::vec(any::<u8>(), 0..60)),
            0..5,
        ),
    ) {
        let context = context(headers.iter().map(|(name, value)| (*name, value.as_slice())).collect());
        prop_assert!(context.request_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)));
        prop_assert!(context.trace_id.is_none_or(|id| id.len() == 32));
        prop_assert!(context.claimed_actor.is_none_or(|name| !name.is_empty() && !name.chars().any(char::is_control)));
    }
}
