//! Request headers that change what an operation does: conditions (RFC 9110, section 13) and the idempotency key.
//!
//! The database writes and reads the entity tags of items (`item_tag` in `schema/004_items.sql`): `"3-5f0c3d9a"` is
//! version 3 in one incarnation of the database. A well-formed tag of any other form never matches.

use http_toolkit::Headers;

use crate::Error;

/// The tags that `If-Match` accepts, separated by spaces; `None` without the header and for `*`, which every existing
/// item fulfils. Compares strongly, so a weak tag accepts nothing.
///
/// # Errors
/// [`Error::Malformed`] if it cannot be read.
pub fn if_match(headers: &Headers) -> Result<Option<String>, Error> {
    Ok(condition(headers, "if-match", "If-Match", false)?.filter(|tags| tags != ANY))
}

/// The tags that `If-None-Match` lists, which the client has already, or `*`; `None` without the header. Compares
/// weakly.
///
/// # Errors
/// [`Error::Malformed`] if it cannot be read.
pub fn if_none_match(headers: &Headers) -> Result<Option<String>, Error> {
    condition(headers, "if-none-match", "If-None-Match", true)
}

/// Whether `If-None-Match` lists the entity tag of a document, given without its quotes, or is `*`. Compares weakly.
///
/// # Errors
/// [`Error::Malformed`] if it cannot be read.
pub fn has_document(headers: &Headers, tag: &str) -> Result<bool, Error> {
    let tags = if_none_match(headers)?;
    Ok(tags.is_some_and(|tags| tags == ANY || tags.split(' ').any(|listed| listed == tag)))
}

/// `Idempotency-Key`: one header of 1 to 255 visible ASCII characters. Quotes, if any, are part of the key.
///
/// # Errors
/// [`Error::Malformed`] for any other value.
pub fn idempotency_key(headers: &Headers) -> Result<Option<&str>, Error> {
    if !headers.has("idempotency-key") {
        return Ok(None);
    }
    headers
        .only("idempotency-key")
        .filter(|key| (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()))
        .map(Some)
        .ok_or_else(|| {
            Error::Malformed("Idempotency-Key: must be 1 to 255 visible ASCII characters, given once.".to_owned())
        })
}

/// The condition that is true for every tag.
const ANY: &str = "*";

fn condition(headers: &Headers, name: &str, shown: &str, weak: bool) -> Result<Option<String>, Error> {
    let Some(list) = headers.list(name) else { return Ok(None) };
    parse(&list, weak)
        .map(Some)
        .ok_or_else(|| Error::Malformed(format!("{shown}: must be * or a list of entity tags such as \"3-5f0c3d9a\".")))
}

/// `"*" / 1#( [ "W/" ] DQUOTE *etagc DQUOTE )` (RFC 9110, 8.8.3 and 13.1); empty list elements are skipped. A tag may
/// contain a comma, but no space. Weak ones are left out unless `weak`; those that no item has, `"*"` and what is not
/// ASCII, always.
fn parse(list: &[u8], weak: bool) -> Option<String> {
    if list.trim_ascii() == ANY.as_bytes() {
        return Some(ANY.to_owned());
    }
    let (mut tags, mut any) = (String::new(), false);
    let mut rest = list;
    loop {
        rest = rest.trim_ascii_start();
        match rest.first() {
            None => break,
            Some(b',') => {
                rest = &rest[1..];
                continue;
            }
            Some(_) => {}
        }
        let (counts, quoted) = rest.strip_prefix(b"W/").map_or((true, rest), |quoted| (weak, quoted));
        let opaque = quoted.strip_prefix(b"\"")?;
        let end = opaque.iter().position(|byte| *byte == b'"')?;
        let (opaque, after) = (&opaque[..end], opaque[end + 1..].trim_ascii_start());
        if !opaque.iter().all(|byte| matches!(byte, 0x21 | 0x23..=0x7e | 0x80..))
            || !matches!(after.first(), None | Some(b','))
        {
            return None;
        }
        any = true;
        if counts && opaque != ANY.as_bytes() && opaque.is_ascii() {
            tags.extend(opaque.iter().map(|byte| char::from(*byte)));
            tags.push(' ');
        }
        rest = after;
    }
    any.then_some(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &str, values: &[&str]) -> Headers {
        Headers::new(values.iter().map(|value| (name.to_owned(), value.as_bytes().to_vec())).collect())
    }

    #[test]
    fn if_match_compares_strongly() {
        for (values, expected) in [
            (&[][..], None),
            (&["*"][..], None),
            (&["\"3-a\""], Some("3-a ")),
            (&["\"3\", \"4\" ,,\"5\""], Some("3 4 5 ")),
            (&["\"3\"", "\"9\""], Some("3 9 ")),
            (&["W/\"3\", \"*\""], Some("")),
            (&["\"x,y\", \"\", \"é\""], Some("x,y  ")),
        ] {
            assert_eq!(if_match(&headers("if-match", values)).unwrap().as_deref(), expected, "{values:?}");
        }
    }

    #[test]
    fn if_none_match_compares_weakly() {
        for (values, expected) in
            [(&[][..], None), (&["*"][..], Some("*")), (&["W/\"3\", \"4\""], Some("3 4 ")), (&["\"*\""], Some(""))]
        {
            assert_eq!(if_none_match(&headers("if-none-match", values)).unwrap().as_deref(), expected, "{values:?}");
        }
    }

    #[test]
    fn a_malformed_condition_names_its_header() {
        for value in
            ["", " ", ",", "3", "\"3", "3\"", "'3'", "*, \"3\"", "\"3\" \"4\"", "w/\"3\"", "W/ \"3\"", "\"a b\""]
        {
            for (name, result) in [
                ("If-Match", if_match(&headers("if-match", &[value]))),
                ("If-None-Match", if_none_match(&headers("if-none-match", &[value]))),
            ] {
                assert!(
                    matches!(&result, Err(Error::Malformed(detail)) if detail.starts_with(name)),
                    "{value:?}: {result:?}"
                );
            }
        }
    }

    #[test]
    fn a_document_is_known_by_its_tag() {
        for (values, known) in
            [(&[][..], false), (&["*"], true), (&["\"0a\""], true), (&["\"b\", W/\"0a\""], true), (&["\"0\""], false)]
        {
            assert_eq!(has_document(&headers("if-none-match", values), "0a").unwrap(), known, "{values:?}");
        }
    }

    #[test]
    fn an_idempotency_key_is_read_as_it_was_sent() {
        let longest = "k".repeat(255);
        for key in ["a", "\"quoted\"", "8e03978e-40d5-43dd-bc93-6894a57f9324", &longest] {
            assert_eq!(idempotency_key(&headers("idempotency-key", &[key])).unwrap(), Some(key));
        }
        assert_eq!(idempotency_key(&headers("idempotency-key", &[])).unwrap(), None);
        let too_long = "k".repeat(256);
        for values in [&[""][..], &["a b"], &["é"], &[too_long.as_str()], &["a", "a"]] {
            assert!(idempotency_key(&headers("idempotency-key", values)).is_err(), "{values:?}");
        }
    }
}
