//! Generated events, checked against a table of the values that fit each member.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::*;

const NAMES: [&str; 10] = [
    "event_id",
    "action",
    "outcome",
    "item_id",
    "request_id",
    "trace_id",
    "actor",
    "client_addr",
    "occurred_at",
    "details",
];

/// Values, each with the members that it fits.
const FITTING: [(&str, &[&str]); 26] = [
    ("\"0f8fad5b-d9cb-469f-a165-70867728950e\"", &["event_id", "request_id", "actor", "client_addr"]),
    ("\"0F8FAD5B-D9CB-469F-A165-70867728950E\"", &["request_id", "actor", "client_addr"]),
    ("\"0f8fad5bd9cb469fa16570867728950e\"", &["trace_id", "request_id", "actor", "client_addr"]),
    ("\"create\"", &["action", "request_id", "actor", "client_addr"]),
    ("\"delete\"", &["action", "request_id", "actor", "client_addr"]),
    ("\"prune\"", &["request_id", "actor", "client_addr"]),
    ("\"ok\"", &["outcome", "request_id", "actor", "client_addr"]),
    ("\"key_conflict\"", &["outcome", "request_id", "actor", "client_addr"]),
    ("\"2026-11-21T10:00:00Z\"", &["occurred_at", "request_id", "actor", "client_addr"]),
    ("\"2026-11-21T10:00:00.123456789Z\"", &["occurred_at", "request_id", "actor", "client_addr"]),
    ("\"2026-11-21T10:00:00.1234567890Z\"", &["request_id", "actor", "client_addr"]),
    ("\"2026-11-21T10:00:00+00:00\"", &["request_id", "actor", "client_addr"]),
    ("\"2026-11-21t10:00:00z\"", &["request_id", "actor", "client_addr"]),
    ("\"é\"", &["request_id", "actor", "client_addr"]),
    ("\"\"", &[]),
    ("\"a\\u0000\"", &[]),
    ("null", &["item_id", "trace_id", "actor", "client_addr", "details"]),
    ("1", &["item_id"]),
    ("9223372036854775807", &["item_id"]),
    ("9223372036854775808", &[]),
    ("0", &[]),
    ("-1", &[]),
    ("1.0", &[]),
    ("{}", &["details"]),
    ("{\"version\":[1,{\"a\":null}]}", &["details"]),
    ("[]", &[]),
];

/// The members of an event, and which of them are wrong.
fn event() -> impl Strategy<Value = (String, Vec<String>)> {
    let member = prop_oneof![
        // Mostly values that fit, so that valid events are generated too.
        6 => (any::<Index>(), Just(true)),
        1 => (any::<Index>(), Just(false)),
    ];
    (
        prop::collection::vec(member, NAMES.len()),
        prop::option::weighted(0.1, 0..NAMES.len()),
        prop::option::weighted(0.1, "[A-Z]{1,9}"),
    )
        .prop_map(|(members, missing, unknown)| {
            let (mut texts, mut wrong) = (Vec::new(), Vec::new());
            for (place, (name, (value, fits))) in NAMES.into_iter().zip(members).enumerate() {
                let required = ["event_id", "action", "outcome", "request_id", "occurred_at"].contains(&name);
                if missing == Some(place) {
                    wrong.extend(required.then(|| name.to_owned()));
                    continue;
                }
                let values: Vec<_> = FITTING.iter().filter(|(_, members)| members.contains(&name) == fits).collect();
                texts.push(format!("\"{name}\":{}", value.get(&values).0));
                wrong.extend((!fits).then(|| name.to_owned()));
            }
            if let Some(name) = unknown {
                texts.push(format!("\"{name}\":1"));
                wrong.push(name);
            }
            (format!("{{{}}}", texts.join(",")), wrong)
        })
}

proptest! {
    #[test]
    fn each_wrong_member_of_each_event_is_named_and_no_other(events in prop::collection::vec(event(), 1..4), space in select(&["", " ", "\n"][..])) {
        let body = format!("[{space}{}{space}]", events.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(","));
        let expected: Vec<String> = events.iter().enumerate()
            .flat_map(|(index, (_, wrong))| wrong.iter().map(move |name| format!("{index}.{name}"))).collect();
        match parse(body.clone().into_bytes()) {
            Ok(text) => {
                prop_assert_eq!(&expected, &Vec::<String>::new());
                prop_assert_eq!(text, body);
            }
            Err(Error::Invalid(errors)) => {
                prop_assert_eq!(errors.into_iter().map(|error| error.field).collect::<Vec<_>>(), expected);
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn what_is_passed_on_is_an_array_of_whole_events_whatever_came(
        events in prop::collection::vec(event(), 1..3), single: bool, from in any::<Index>(), length in 0..3_usize, put in "\\PC{0,2}",
    ) {
        let mut body = if single { events[0].0.clone() } else { format!("[{}]", events.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(",")) };
        let mut characters: Vec<char> = body.chars().collect();
        let from = from.index(characters.len());
        characters.splice(from..(from + length).min(characters.len()), put.chars());
        body = characters.into_iter().collect();
        if let Ok(text) = parse(body.clone().into_bytes()) {
            let passed: Value = serde_json::from_str(&text).expect("JSON");
            let sent: Value = serde_json::from_str(&body).expect("JSON");
            prop_assert_eq!(&passed, &if sent.is_array() { sent } else { json!([sent]) });
            for event in passed.as_array().unwrap() {
                let members = event.as_object().unwrap();
                prop_assert!(members.keys().all(|key| NAMES.contains(&key.as_str())), "{}", event);
                prop_assert!(["event_id", "action", "outcome", "request_id", "occurred_at"].iter().all(|name| event[name].is_string()), "{}", event);
                prop_assert!(event["item_id"].is_null() || event["item_id"].as_i64().is_some_and(|id| id > 0), "{}", event);
                prop_assert!(!event.to_string().contains("\\u0000") || event["details"].to_string().contains("\\u0000"), "{}", event);
            }
        }
    }

    #[test]
    fn bytes_that_are_no_json_are_refused_as_such(body in prop::collection::vec(any::<u8>(), 0..40)) {
        if serde_json::from_slice::<Value>(&body).is_err() {
            prop_assert!(matches!(parse(body), Err(Error::Request(http_toolkit::Error::NotJson(_)))));
        }
    }
}
