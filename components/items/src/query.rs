//! Ids and query strings. A number in them is decimal digits without sign, space or leading zero.

use http_toolkit::json::abridged;

use crate::Error;

/// The part of the list that a client asks for.
#[derive(Debug, PartialEq, Eq, Default)]
pub struct Selection {
    /// Items behind this id; 0 for all.
    pub after: i64,
    /// 1 to 1 000 items as one page; `None` for the full list.
    pub limit: Option<i32>,
}

/// The id of an item, from 1 to 2⁶³ - 1, out of an `{id}` segment.
///
/// # Errors
/// [`Error::Malformed`]
pub fn id(segment: &str) -> Result<i64, Error> {
    number(segment)
        .filter(|id| *id >= 1)
        .ok_or_else(|| Error::Malformed(format!("id: must be an integer from 1 to {}.", i64::MAX)))
}

/// Reads `after` and `limit`, each at most once.
///
/// # Errors
/// [`Error::Malformed`], which names the parameter.
pub fn selection(query: Option<&str>) -> Result<Selection, Error> {
    let (mut after, mut limit) = (None, None);
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (slot, range, meaning) = match decoded(key).as_deref() {
            Some("after") => (&mut after, 0..=i64::MAX, "after: must be the id of an item, or 0."),
            Some("limit") => (&mut limit, 1..=1_000, "limit: must be an integer from 1 to 1000."),
            _ => return Err(unknown(key)),
        };
        if slot.is_some() {
            return Err(Error::Malformed(format!("{key}: may be given once.")));
        }
        let number = decoded(value).and_then(|value| number(&value)).filter(|number| range.contains(number));
        *slot = Some(number.ok_or_else(|| Error::Malformed(meaning.to_owned()))?);
    }
    Ok(Selection { after: after.unwrap_or(0), limit: limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX)) })
}

/// Accepts an empty query: for routes without parameters.
///
/// # Errors
/// [`Error::Malformed`], which names the first parameter.
pub fn none(query: Option<&str>) -> Result<(), Error> {
    match query.unwrap_or_default().split('&').find(|pair| !pair.is_empty()) {
        Some(pair) => Err(unknown(pair.split_once('=').map_or(pair, |(key, _)| key))),
        None => Ok(()),
    }
}

fn unknown(key: &str) -> Error {
    Error::Malformed(format!("query: the parameter {:?} is not known here.", abridged(key)))
}

/// Reads digits; `None` for anything else, and above 2⁶³ - 1.
fn number(text: &str) -> Option<i64> {
    let canonical = text == "0" || !text.starts_with('0');
    (canonical && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Decodes `application/x-www-form-urlencoded`; `None` if an escape is malformed, or the result is not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_positive_integers_in_plain_digits() {
        assert_eq!(id("1").unwrap(), 1);
        assert_eq!(id("9223372036854775807").unwrap(), i64::MAX);
        for bad in ["", "0", "-1", "+1", "01", "1.0", "1e3", "abc", "%31", " 1", "１", "9223372036854775808"] {
            assert!(matches!(id(bad), Err(Error::Malformed(_))), "{bad:?}");
        }
    }

    #[test]
    fn a_selection_has_after_and_limit() {
        for (query, after, limit) in [
            (None, 0, None),
            (Some(""), 0, None),
            (Some("&"), 0, None),
            (Some("limit=1"), 0, Some(1)),
            (Some("limit=1000&after=0"), 0, Some(1_000)),
            (Some("after=9223372036854775807"), i64::MAX, None),
            (Some("%6cimit=%31%30"), 0, Some(10)),
        ] {
            assert_eq!(selection(query).unwrap(), Selection { after, limit }, "{query:?}");
        }
    }

    #[test]
    fn a_refused_selection_names_its_parameter() {
        for (query, name) in [
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=ten", "limit"),
            ("limit=", "limit"),
            ("limit", "limit"),
            ("limit=+5", "limit"),
            ("limit=5%20", "limit"),
            ("limit=-5", "limit"),
            ("limit=%zz", "limit"),
            ("limit=%3", "limit"),
            ("limit=4294967297", "limit"),
            ("limit=1&limit=2", "limit"),
            ("limit=1&%6cimit=1", "imit"),
            ("after=-1", "after"),
            ("after=9223372036854775808", "after"),
            ("after=1&after=1", "after"),
            ("offset=1", "offset"),
            ("limit=1&Limit=1", "Limit"),
            ("%ff=1", "%ff"),
        ] {
            match selection(Some(query)) {
                Err(Error::Malformed(detail)) => {
                    assert!(detail.contains(name), "{query}: {detail}")
                }
                other => panic!("{query}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_route_without_parameters_accepts_none() {
        assert!(none(None).is_ok() && none(Some("")).is_ok());
        assert!(matches!(none(Some("limit=1")), Err(Error::Malformed(detail)) if detail.contains("limit")));
    }
}
