//! Audit events as they arrive: checked member by member, then passed to the database as the text they came in.

use http_toolkit::json::{Json, NotJson, abridged};
use http_toolkit::problem::FieldError;
use shared::audit_api::MAX_EVENTS;

use crate::Error;

const ACTIONS: [&str; 5] = ["create", "list", "get", "update", "delete"];

const OUTCOMES: [&str; 6] = ["ok", "not_modified", "not_found", "precondition_failed", "replayed", "key_conflict"];

/// A member of an event: its name, whether it may be null or absent, and what its value has to be.
type Member = (&'static str, Need, fn(&Json) -> Result<(), &'static str>);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Need {
    Required,
    Optional,
}

#[rustfmt::skip]
const MEMBERS: [Member; 10] = [
    ("event_id",    Need::Required, uuid),
    ("action",      Need::Required, action),
    ("outcome",     Need::Required, outcome),
    ("item_id",     Need::Optional, item_id),
    ("request_id",  Need::Required, short_text),
    ("trace_id",    Need::Optional, trace_id),
    ("actor",       Need::Optional, short_text),
    ("client_addr", Need::Optional, short_text),
    ("occurred_at", Need::Required, instant),
    ("details",     Need::Optional, object),
];

/// Checks a body of one event, or of an array of 1 to [`MAX_EVENTS`], and returns the text of an array.
///
/// # Errors
/// [`Error::Request`] if it is not JSON; [`Error::Invalid`] with every wrong member, named with the index of its event:
/// `3.item_id`.
pub fn parse(body: Vec<u8>) -> Result<String, Error> {
    let document = Json::parse(&body).map_err(http_toolkit::Error::from)?;
    let mut errors = Vec::new();
    let single = match &document {
        Json::Array(events) => {
            if !(1..=usize::from(MAX_EVENTS)).contains(&events.len()) {
                errors.push(wrong("body", format!("has to hold 1 to {MAX_EVENTS} events")));
            } else {
                events.iter().enumerate().for_each(|(index, event)| check(index, event, &mut errors));
            }
            false
        }
        event => {
            check(0, event, &mut errors);
            true
        }
    };
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let text = String::from_utf8(body).map_err(|error| http_toolkit::Error::from(NotJson(error.to_string())))?;
    Ok(if single { format!("[{text}]") } else { text })
}

fn check(index: usize, event: &Json, errors: &mut Vec<FieldError>) {
    let Json::Object(members) = event else {
        errors.push(wrong(index.to_string(), format!("must be an object, not {}", event.kind())));
        return;
    };
    for (name, need, check) in MEMBERS {
        let result = match members.iter().find(|(key, _)| key == name) {
            Some((_, Json::Null)) | None if need == Need::Optional => Ok(()),
            Some((_, value)) => check(value),
            None => Err("is missing"),
        };
        if let Err(detail) = result {
            errors.push(wrong(format!("{index}.{name}"), detail));
        }
    }
    for (key, _) in members.iter().filter(|(key, _)| MEMBERS.iter().all(|(name, ..)| key != name)) {
        errors.push(wrong(format!("{index}.{}", abridged(key)), "is not a member of an event"));
    }
}

fn wrong(field: impl Into<String>, detail: impl Into<String>) -> FieldError {
    FieldError { field: field.into(), detail: detail.into() }
}

fn one_of(value: &Json, known: &[&str], meaning: &'static str) -> Result<(), &'static str> {
    if matches!(value, Json::String(text) if known.contains(&text.as_str())) { Ok(()) } else { Err(meaning) }
}

fn action(value: &Json) -> Result<(), &'static str> {
    one_of(value, &ACTIONS, "must be create, list, get, update or delete")
}

fn outcome(value: &Json) -> Result<(), &'static str> {
    one_of(value, &OUTCOMES, "must be ok, not_modified, not_found, precondition_failed, replayed or key_conflict")
}

fn uuid(value: &Json) -> Result<(), &'static str> {
    shaped(value, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx").ok_or("must be a UUID in lower case")
}

fn trace_id(value: &Json) -> Result<(), &'static str> {
    shaped(value, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx").ok_or("must be 32 hexadecimal digits in lower case")
}

fn item_id(value: &Json) -> Result<(), &'static str> {
    if matches!(value, Json::Integer(1..)) { Ok(()) } else { Err("must be an integer from 1 on") }
}

fn short_text(value: &Json) -> Result<(), &'static str> {
    match value {
        Json::String(text) if (1..=255).contains(&text.chars().count()) && !text.contains('\0') => Ok(()),
        _ => Err("must be a string of 1 to 255 characters without NUL"),
    }
}

fn object(value: &Json) -> Result<(), &'static str> {
    if matches!(value, Json::Object(_)) { Ok(()) } else { Err("must be an object") }
}

/// RFC 3339 in UTC, with or without a fraction of up to nine digits. The database checks whether the day exists.
fn instant(value: &Json) -> Result<(), &'static str> {
    const MEANING: &str = "must be a time such as 2026-11-21T10:00:00.123456Z";
    let Json::String(text) = value else {
        return Err(MEANING);
    };
    let (seconds, fraction) = text.strip_suffix('Z').and_then(|text| text.split_at_checked(19)).ok_or(MEANING)?;
    let digits = fraction.strip_prefix('.').unwrap_or("0");
    let fits = matches_shape(seconds, "dddd-dd-ddTdd:dd:dd")
        && (fraction.is_empty() || (1..=9).contains(&digits.len()) && fraction.starts_with('.'))
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    if fits { Ok(()) } else { Err(MEANING) }
}

fn shaped(value: &Json, shape: &str) -> Option<()> {
    matches!(value, Json::String(text) if matches_shape(text, shape)).then_some(())
}

/// In `shape` an `x` is a lower-case hexadecimal digit, a `d` a decimal one, anything else itself.
fn matches_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(|(byte, wanted)| match wanted {
            b'x' => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            b'd' => byte.is_ascii_digit(),
            other => byte == other,
        })
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"event_id":"0f8fad5b-d9cb-469f-a165-70867728950e","action":"update","outcome":"ok","item_id":7,
        "request_id":"r-1","trace_id":"0af7651916cd43dd8448eb211c80319c","actor":null,"client_addr":"127.0.0.1:5000",
        "occurred_at":"2026-11-21T10:00:00.123456Z","details":{"version":2}}"#;

    fn fields(body: String) -> Vec<String> {
        match parse(body.into_bytes()) {
            Err(Error::Invalid(errors)) => errors.into_iter().map(|error| error.field).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_event_and_an_array_become_the_text_of_an_array() {
        assert_eq!(parse(EVENT.into()).unwrap(), format!("[{EVENT}]"));
        let array = format!("[{EVENT}, {EVENT}]");
        assert_eq!(parse(array.clone().into()).unwrap(), array);
    }

    #[test]
    fn nullable_members_may_be_null_or_absent() {
        for name in ["item_id", "trace_id", "actor", "client_addr", "details"] {
            let renamed = EVENT.replace(&format!("\"{name}\":"), "\"dropped\":");
            assert_eq!(fields(renamed), ["0.dropped"], "{name}");
        }
        let least = r#"{"event_id":"0f8fad5b-d9cb-469f-a165-70867728950e","action":"list","outcome":"ok","item_id":null,
            "request_id":"r","occurred_at":"2026-11-21T10:00:00Z"}"#;
        assert!(parse(least.into()).is_ok());
    }

    #[test]
    fn a_wrong_member_is_named_with_the_index_of_its_event() {
        for (from, to, field) in [
            ("0f8fad5b-", "0F8FAD5B-", "event_id"),
            ("\"0f8fad5b-d9cb-469f-a165-70867728950e\"", "7", "event_id"),
            ("\"update\"", "\"UPDATE\"", "action"),
            ("\"ok\"", "\"fine\"", "outcome"),
            (":7", ":0", "item_id"),
            (":7", ":\"7\"", "item_id"),
            (":7", ":7.5", "item_id"),
            (":7", ":9223372036854775808", "item_id"),
            ("\"r-1\"", "null", "request_id"),
            ("\"r-1\"", "\"\"", "request_id"),
            ("\"r-1\"", "\"\\u0000\"", "request_id"),
            ("0af7651916cd43dd8448eb211c80319c", "0af7", "trace_id"),
            ("2026-11-21T10:00:00.123456Z", "2026-11-21T10:00:00.123456+01:00", "occurred_at"),
            ("2026-11-21T10:00:00.123456Z", "2026-11-21T10:00:00.Z", "occurred_at"),
            ("2026-11-21T10:00:00.123456Z", "2026-11-21T10:00:00,1Z", "occurred_at"),
            ("2026-11-21T10:00:00.123456Z", "2026-11-21 10:00:00Z", "occurred_at"),
            ("2026-11-21T10:00:00.123456Z", "éééééééééééééééééééZ", "occurred_at"),
            ("{\"version\":2}", "[]", "details"),
        ] {
            let bad = EVENT.replace(from, to);
            assert_ne!(bad, EVENT, "{from}");
            assert_eq!(fields(format!("[{EVENT},{bad}]")), [format!("1.{field}")], "{from} -> {to}");
        }
        assert_eq!(fields("[{}]".to_owned()).len(), 5);
        assert_eq!(fields("[1]".to_owned()), ["0"]);
    }

    #[test]
    fn a_body_holds_one_to_five_hundred_events() {
        assert_eq!(fields("[]".to_owned()), ["body"]);
        assert!(parse(format!("[{}]", vec![EVENT; 500].join(",")).into()).is_ok());
        assert_eq!(fields(format!("[{}]", vec![EVENT; 501].join(","))), ["body"]);
    }

    #[test]
    fn text_that_is_not_json_is_refused_as_such() {
        for body in ["", "{", "[] []"] {
            assert!(matches!(parse(body.into()), Err(Error::Request(http_toolkit::Error::NotJson(_)))), "{body}");
        }
    }
}
