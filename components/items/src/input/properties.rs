//! Generated bodies, checked against an independent model of the contract.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use http_toolkit::json::NotJson;

use super::*;

/// A character as it may be written in a JSON string.
fn spelt(character: char, escaped: bool) -> String {
    match character {
        '\u{20}'..='\u{10ffff}' if !escaped && character != '"' && character != '\\' => character.to_string(),
        '"' | '\\' if !escaped => format!("\\{character}"),
        _ => character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    }
}

fn text(length: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = (String, String)> {
    let character =
        prop_oneof![any::<char>(), select(&['"', '\\', '/', '\n', '\u{7f}', 'é', '😀', '\u{feff}', '\u{301}'][..])];
    let character = character.prop_filter("an item has no NUL", |character| *character != '\0');
    prop::collection::vec((character, any::<bool>()), length).prop_map(|characters| {
        let text = characters.iter().map(|(character, _)| character).collect();
        let json: String = characters.into_iter().map(|(character, escaped)| spelt(character, escaped)).collect();
        (text, format!("\"{json}\""))
    })
}

fn space() -> impl Strategy<Value = &'static str> {
    select(&["", " ", "\n", "\t\r "][..])
}

/// A member of a body: its key, its value as JSON, and what is wrong with it.
type Member = (&'static str, String, Vec<&'static str>);

fn member() -> impl Strategy<Value = Member> {
    let key = select(&["name", "description", "Name", "id", ""][..]);
    let value = prop_oneof![
        text(1..4).prop_map(|(_, json)| (json, None, 1)),
        select(&[0_usize, 1, 200, 201, 10_000, 10_001][..]).prop_map(|length| (
            format!("{:?}", "é".repeat(length)),
            None,
            length
        )),
        Just((r#""a\u0000""#.to_owned(), Some("NUL"), 2)),
        select(&["null", "true", "1", "-1.5e3", "[]", "[\"a\"]", "{}", "{\"name\":\"a\"}"][..]).prop_map(|json| (
            json.to_owned(),
            Some("string"),
            1
        )),
    ];
    (key, value).prop_map(|(key, (json, fault, length))| {
        let (least, most) = match key {
            "name" => (1, 200),
            "description" => (0, 10_000),
            _ => return (key, json, vec!["field"]),
        };
        let long = (fault != Some("string") && !(least..=most).contains(&length)).then_some("characters");
        (key, json, long.into_iter().chain(fault).collect())
    })
}

fn body(members: &[Member]) -> String {
    let members: Vec<String> = members.iter().map(|(key, json, _)| format!("\"{key}\":{json}")).collect();
    format!("{{{}}}", members.join(","))
}

proptest! {
    #[test]
    fn an_item_is_read_in_every_way_that_json_can_spell_it(
        (name, name_json) in text(1..=MAX_NAME), (description, description_json) in text(0..300), turned: bool, space in space(),
    ) {
        let mut members = [format!("\"name\"{space}:{space}{name_json}"), format!("\"description\":{space}{description_json}")];
        if turned {
            members.reverse();
        }
        let body = format!("{space}{{{space}{}{space},{space}{}{space}}}{space}", members[0], members[1]);
        prop_assert_eq!(parse(body.as_bytes()).unwrap(), Input { name, description });
    }

    #[test]
    fn a_body_is_refused_with_each_of_its_faults_and_no_other(members in prop::collection::vec(member(), 0..4)) {
        let mut keys: Vec<_> = members.iter().map(|(key, ..)| *key).collect();
        let has_name = keys.contains(&"name");
        keys.sort_unstable();
        let repeated = keys.windows(2).any(|pair| pair[0] == pair[1]);
        let mut faults: Vec<(&str, &str)> =
            members.iter().flat_map(|(key, _, faults)| faults.iter().map(move |fault| (*key, *fault))).collect();
        if !has_name {
            faults.push(("name", "missing"));
        }
        match parse(body(&members).as_bytes()) {
            Err(Error::Request(http_toolkit::Error::NotJson(NotJson(reason)))) => prop_assert!(repeated && reason.contains("twice"), "{}", reason),
            Err(Error::Invalid(errors)) => {
                prop_assert!(!repeated);
                prop_assert_eq!(errors.len(), faults.len(), "{:?} {:?}", errors, faults);
                for (error, (field, detail)) in errors.iter().zip(faults) {
                    prop_assert!(error.field == field && error.detail.contains(detail), "{:?}", error);
                }
            }
            Ok(_) => prop_assert!(!repeated && faults.is_empty()),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn damaged_json_is_refused_or_is_still_a_valid_item(
        (_, name) in text(1..5), (_, description) in text(0..5), from in any::<Index>(), length in 0..3_usize, put in prop::collection::vec(any::<u8>(), 0..3),
    ) {
        let mut body = format!(r#"{{"name":{name},"description":{description}}}"#).into_bytes();
        let from = from.index(body.len());
        let to = (from + length).min(body.len());
        body.splice(from..to, put);
        let json = serde_json::from_slice::<serde_json::Value>(&body);
        match parse(&body) {
            Ok(Input { name, description }) => {
                // Another parser reads the same values.
                let json = json.unwrap();
                prop_assert_eq!(json["name"].as_str(), Some(&*name));
                prop_assert_eq!(json["description"].as_str().unwrap_or_default(), &*description);
                prop_assert!((1..=200).contains(&name.chars().count()) && !name.contains('\0'));
                prop_assert!(description.chars().count() <= 10_000 && !description.contains('\0'));
            }
            Err(Error::Request(http_toolkit::Error::NotJson(NotJson(reason)))) => {
                prop_assert!(json.is_err() || reason.contains("twice"), "{}", reason);
            }
            Err(Error::Invalid(errors)) => prop_assert!(json.is_ok() && !errors.is_empty()),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}
