//! Generated documents, compared with what another parser (serde_json) reads.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

use super::*;

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// The same document as the other parser has it; numbers that are no `i64` are all alike.
fn same(json: &Json, value: &Value) -> bool {
    match (json, value) {
        (Json::Null, Value::Null) => true,
        (Json::Bool(json), Value::Bool(value)) => json == value,
        (Json::Integer(json), Value::Number(value)) => value.as_i64() == Some(*json) || value.as_f64() == Some(-0.0),
        (Json::Number, Value::Number(value)) => value.as_i64().is_none(),
        (Json::String(json), Value::String(value)) => json == value,
        (Json::Array(json), Value::Array(value)) => {
            json.len() == value.len() && json.iter().zip(value).all(|(json, value)| same(json, value))
        }
        (Json::Object(json), Value::Object(value)) => {
            json.len() == value.len() && json.iter().all(|(key, json)| value.get(key).is_some_and(|it| same(json, it)))
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn every_document_is_read_as_another_parser_reads_it(document in document(), pretty: bool) {
        let text = if pretty { format!("{document:#}") } else { document.to_string() };
        prop_assert!(same(&Json::parse(text.as_bytes()).unwrap(), &document), "{}", text);
    }

    #[test]
    fn damaged_text_is_refused_if_and_only_if_another_parser_refuses_it(
        document in document(), from in any::<Index>(), length in 0..3_usize,
        put in prop_oneof![prop::collection::vec(any::<u8>(), 0..3), "[-+.0-9eE\\\\u\"{}\\[\\],: ]{0,3}".prop_map(String::into_bytes)],
    ) {
        let mut text = document.to_string().into_bytes();
        let from = from.index(text.len());
        text.splice(from..(from + length).min(text.len()), put);
        let other = serde_json::from_slice::<Value>(&text);
        match (Json::parse(&text), other) {
            (Ok(json), Ok(value)) => prop_assert!(same(&json, &value), "{}", String::from_utf8_lossy(&text)),
            (Ok(_), Err(error)) => prop_assert!(error.to_string().contains("out of range"), "{}", error),
            (Err(NotJson(reason)), Ok(_)) => prop_assert!(reason.contains("twice"), "{}", reason),
            (Err(_), Err(_)) => {}
        }
    }

    #[test]
    fn every_text_is_quoted_as_another_writer_quotes_it(text: String, control in "[\\x00-\\x20\"\\\\]{0,4}") {
        let text = format!("{text}{control}");
        let json = quoted(&text);
        prop_assert!(json.bytes().all(|byte| byte >= b' '));
        prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
