//! JSON: reading strictly, writing objects.
//!
//! Reading is stricter than serde's: an object with a repeated key is refused, at any depth. RFC 8259 leaves its
//! meaning open, and a check is bypassed where two readers choose different values.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// Text that is not JSON, with the reason in words that may be shown to the client.
#[derive(Debug, thiserror::Error)]
#[error("the body is not JSON: {0}")]
pub struct NotJson(pub String);

/// A parsed document.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    /// An integer that fits.
    Integer(i64),
    /// Any other number. Nothing here needs its value.
    Number,
    String(String),
    Array(Vec<Json>),
    /// Keys in the order they were written, each once.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads one whole document.
    ///
    /// # Errors
    /// For a syntax error, text after the document, a byte order mark, invalid UTF-8, a lone surrogate, a repeated key,
    /// or more than 127 levels of nesting.
    pub fn parse(text: &[u8]) -> Result<Self, NotJson> {
        if text.starts_with(b"\xef\xbb\xbf") {
            return Err(NotJson("a byte order mark, to be left out (RFC 8259, 8.1)".to_owned()));
        }
        let read = serde_json::from_slice(text).or_else(|_| serde_json::from_slice(&with_short_numbers(text)));
        read.map_err(|error| NotJson(error.to_string()))
    }

    /// The name of its type, for an error message.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) | Self::Number => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// `text`, in which outside strings digits after the twentieth are left out and exponents are 0. Serde refuses a number
/// that no double holds, though it is JSON (RFC 8259, 6), and nothing here needs the value of one that is no [`i64`].
fn with_short_numbers(text: &[u8]) -> Vec<u8> {
    let mut short = Vec::with_capacity(text.len());
    let (mut in_string, mut escaped, mut exponent, mut digits) = (false, false, false, 0);
    for byte in text.iter().copied() {
        if in_string || !byte.is_ascii_digit() {
            exponent = !in_string && (matches!(byte, b'e' | b'E') || exponent && matches!(byte, b'+' | b'-'));
            digits = 0;
            in_string ^= byte == b'"' && !escaped;
            escaped = in_string && byte == b'\\' && !escaped;
            short.push(byte);
        } else {
            digits += 1;
            if digits <= if exponent { 1 } else { 20 } {
                short.push(if exponent { b'0' } else { byte });
            }
        }
    }
    short
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(i64::try_from(value).map_or(Json::Number, Json::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Number)
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Json, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = sequence.next_element()? {
            elements.push(element);
        }
        Ok(Json::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut entries: Vec<(String, Json)> = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        // A set, because a body of 64 KiB can hold ten thousand keys: comparing each with each would take too long.
        let mut keys = BTreeSet::new();
        match entries.iter().find(|(key, _)| !keys.insert(key.as_str())) {
            Some((key, _)) => Err(A::Error::custom(format_args!("the key {:?} is there twice", abridged(key)))),
            None => Ok(Json::Object(entries)),
        }
    }
}

/// The first 64 characters of text that a client chose, for a message back to that client.
pub fn abridged(text: &str) -> &str {
    text.char_indices().nth(64).map_or(text, |(end, _)| &text[..end])
}

/// Writes one JSON object member by member, in the order of the calls.
#[derive(Debug)]
pub struct Object(String);

impl Default for Object {
    fn default() -> Self {
        Self("{".to_owned())
    }
}

impl Object {
    /// Adds a string.
    pub fn text(self, key: &'static str, value: &str) -> Self {
        self.raw(key, &quoted(value))
    }

    /// Adds a string, or `null`.
    pub fn optional(self, key: &'static str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(key, value),
            None => self.raw(key, "null"),
        }
    }

    /// Adds `json`, which has to be JSON already: a number, or what [`quoted`] and [`Object::finish`] return.
    pub fn raw(mut self, key: &'static str, json: &str) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(key);
        self.0.push_str("\":");
        self.0.push_str(json);
        self
    }

    /// The text of the object.
    pub fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// `text` as a JSON string. Control characters are escaped, so it is one line.
pub fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("every string has a JSON form")
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_documents_are_read() {
        assert_eq!(
            Json::parse(br#" {"a": [null, true, -1, 18446744073709551615, 1.5, "\ud83d\ude00"], "b": {}} "#).unwrap(),
            Json::Object(vec![
                (
                    "a".to_owned(),
                    Json::Array(vec![
                        Json::Null,
                        Json::Bool(true),
                        Json::Integer(-1),
                        Json::Number,
                        Json::Number,
                        Json::String("😀".to_owned()),
                    ])
                ),
                ("b".to_owned(), Json::Object(vec![])),
            ])
        );
    }

    #[test]
    fn text_that_is_not_strict_json_is_refused() {
        let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let surrogate = r#"{"name":"\ud800"}"#;
        let cases: [&[u8]; 15] = [
            b"",
            b"   ",
            b"name=x",
            b"{\"name\":\"x\"",
            b"{} {}",
            b"{'name':1}",
            b"[1,]",
            b"01",
            b"1e",
            b"{\"name\":\"a\xff\"}",
            b"\xef\xbb\xbf{}",
            br#"{"name":"a","name":"b"}"#,
            br#"{"x":[{"y":{"a":1,"\u0061":2}}]}"#,
            surrogate.as_bytes(),
            nested.as_bytes(),
        ];
        for case in cases {
            let shown = String::from_utf8_lossy(&case[..case.len().min(40)]);
            assert!(Json::parse(case).is_err(), "accepted {shown}");
        }
    }

    #[test]
    fn a_number_is_read_whatever_its_size_is() {
        let long = "9".repeat(1_000);
        for number in ["1e400", "-1E+400", "1.5e-400", "9223372036854775808", &long, "1e0400"] {
            assert_eq!(Json::parse(number.as_bytes()).unwrap(), Json::Number, "{number}");
        }
        assert_eq!(Json::parse(b"-9223372036854775808").unwrap(), Json::Integer(i64::MIN));
        let strings = r#"["\\", "1e400 \" 123456789012345678901", 1e400]"#;
        let Json::Array(elements) = Json::parse(strings.as_bytes()).unwrap() else { panic!("an array") };
        assert_eq!(elements[1], Json::String("1e400 \" 123456789012345678901".to_owned()), "strings are kept");
    }

    #[test]
    fn one_repeated_key_among_ten_thousand_is_found() {
        let keys: Vec<String> = (0..10_000).map(|n| format!("\"{n}\":0")).collect();
        assert!(Json::parse(format!("{{{}}}", keys.join(",")).as_bytes()).is_ok());
        let error = Json::parse(format!("{{{},\"77\":1}}", keys.join(",")).as_bytes()).unwrap_err();
        assert!(error.to_string().contains("\"77\""), "{error}");
    }

    #[test]
    fn objects_are_written_in_order_and_escaped() {
        let object =
            Object::default().text("a", "x\"\n\u{1}é").optional("b", None).optional("c", Some("")).raw("d", "1.5");
        assert_eq!(object.finish(), "{\"a\":\"x\\\"\\n\\u0001é\",\"b\":null,\"c\":\"\",\"d\":1.5}");
        assert_eq!(Object::default().finish(), "{}");
    }

    #[test]
    fn long_text_is_abridged_between_characters() {
        assert_eq!(abridged("short"), "short");
        assert_eq!(abridged(&"é".repeat(65)), "é".repeat(64));
    }
}
