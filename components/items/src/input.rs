//! The body of `POST /items` and `PUT /items/{id}`: parsed into the fields of an item, or refused with a list of every
//! wrong field.

use http_toolkit::json::{Json, abridged};
use http_toolkit::problem::FieldError;

use crate::Error;

/// The most bytes of a body, which [`http_toolkit::Request::json`] enforces and the ingress of a cluster repeats.
pub const MAX_BODY: usize = 64 * 1024;

/// The most characters of a name, which has at least one.
pub const MAX_NAME: usize = 200;

/// The most characters of a description.
pub const MAX_DESCRIPTION: usize = 10_000;

/// The fields of an item that a client sets. Values are kept as sent: nothing is trimmed or normalised.
#[derive(Debug, PartialEq, Eq)]
pub struct Input {
    /// 1 to [`MAX_NAME`] characters.
    pub name: String,
    /// 0 to [`MAX_DESCRIPTION`] characters; empty if the client sent none.
    pub description: String,
}

/// Reads a body.
///
/// # Errors
/// [`Error::Request`] if it is not JSON, [`Error::Invalid`] with every wrong field if it is not a valid item.
pub fn parse(body: &[u8]) -> Result<Input, Error> {
    let members = match Json::parse(body).map_err(http_toolkit::Error::from)? {
        Json::Object(members) => members,
        other => {
            return Err(Error::Invalid(vec![wrong("body", format!("must be an object, not {}", other.kind()))]));
        }
    };
    let (mut name, mut description) = (None, None);
    let mut errors = Vec::new();
    for (key, value) in members {
        match key.as_str() {
            "name" => name = Some(text("name", value, 1, MAX_NAME, &mut errors)),
            "description" => description = Some(text("description", value, 0, MAX_DESCRIPTION, &mut errors)),
            other => errors.push(wrong(abridged(other), "is not a field of an item")),
        }
    }
    if name.is_none() {
        errors.push(wrong("name", "is missing"));
    }
    if errors.is_empty() {
        Ok(Input { name: name.unwrap_or_default(), description: description.unwrap_or_default() })
    } else {
        Err(Error::Invalid(errors))
    }
}

/// A string of `least` to `most` characters without NUL, which PostgreSQL cannot store. What is wrong goes into
/// `errors`.
fn text(field: &str, value: Json, least: usize, most: usize, errors: &mut Vec<FieldError>) -> String {
    let Json::String(text) = value else {
        errors.push(wrong(field, format!("must be a string, not {}", value.kind())));
        return String::new();
    };
    if !(least..=most).contains(&text.chars().count()) {
        errors.push(wrong(field, format!("must have {least} to {most} characters")));
    }
    if text.contains('\0') {
        errors.push(wrong(field, "may not contain NUL"));
    }
    text
}

fn wrong(field: &str, detail: impl Into<String>) -> FieldError {
    FieldError { field: field.to_owned(), detail: detail.into() }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(body: &str) -> Vec<(String, String)> {
        match parse(body.as_bytes()) {
            Err(Error::Invalid(errors)) => errors.into_iter().map(|error| (error.field, error.detail)).collect(),
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn an_item_has_a_name_and_perhaps_a_description() {
        for (body, name, description) in [
            (r#"{"name":"a"}"#.to_owned(), "a".to_owned(), String::new()),
            (r#"{"description":"","name":" a "}"#.to_owned(), " a ".to_owned(), String::new()),
            (
                format!(r#"{{"name":"{}","description":"{}"}}"#, "é".repeat(200), "😀".repeat(10_000)),
                "é".repeat(200),
                "😀".repeat(10_000),
            ),
        ] {
            assert_eq!(parse(body.as_bytes()).unwrap(), Input { name, description });
        }
    }

    #[test]
    fn each_wrong_field_is_named() {
        for (body, field, detail) in [
            ("[]".to_owned(), "body", "not an array"),
            ("null".to_owned(), "body", "not null"),
            ("\"name\"".to_owned(), "body", "not a string"),
            ("{}".to_owned(), "name", "missing"),
            (r#"{"name":null}"#.to_owned(), "name", "not null"),
            (r#"{"name":1}"#.to_owned(), "name", "not a number"),
            (r#"{"name":["a"]}"#.to_owned(), "name", "not an array"),
            (r#"{"name":""}"#.to_owned(), "name", "1 to 200"),
            (format!(r#"{{"name":"{}"}}"#, "é".repeat(201)), "name", "1 to 200"),
            (r#"{"name":"a\u0000b"}"#.to_owned(), "name", "NUL"),
            (r#"{"name":"a","description":null}"#.to_owned(), "description", "not null"),
            (r#"{"name":"a","description":"\u0000"}"#.to_owned(), "description", "NUL"),
            (format!(r#"{{"name":"a","description":"{}"}}"#, "x".repeat(10_001)), "description", "0 to 10000"),
            (r#"{"name":"a","Name":"b"}"#.to_owned(), "Name", "not a field"),
            (r#"{"name":"a","id":7}"#.to_owned(), "id", "not a field"),
        ] {
            let errors = fields(&body);
            assert_eq!(errors.len(), 1, "{errors:?}");
            assert!(errors[0].0 == field && errors[0].1.contains(detail), "{errors:?}");
        }
    }

    #[test]
    fn every_wrong_field_is_listed() {
        let errors = fields(r#"{"x":1,"description":5,"y":{}}"#);
        let names: Vec<&str> = errors.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(names, ["x", "description", "y", "name"]);
    }

    #[test]
    fn a_repeated_key_is_not_json_even_inside_an_unknown_field() {
        for body in [r#"{"name":"a","name":"a"}"#, r#"{"name":"a","x":[{"k":1,"k":2}]}"#] {
            assert!(matches!(parse(body.as_bytes()), Err(Error::Request(http_toolkit::Error::NotJson(_)))), "{body}");
        }
    }
}
