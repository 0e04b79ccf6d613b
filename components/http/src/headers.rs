//! Header fields.

/// Header fields in the order they arrived, repeated ones included.
#[derive(Debug, Default)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    /// Names in any case; values as sent, which need not be UTF-8.
    pub fn new(fields: Vec<(String, Vec<u8>)>) -> Self {
        Self(fields)
    }

    /// Every value of `name`, in any case.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.0.iter().filter(move |(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_slice())
    }

    /// The value of `name` if there is exactly one and it is UTF-8.
    pub fn only(&self, name: &str) -> Option<&str> {
        let mut values = self.all(name);
        let value = values.next()?;
        if values.next().is_some() { None } else { std::str::from_utf8(value).ok() }
    }

    /// The value of `name` that came last, if it is UTF-8.
    pub fn last(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.all(name).last()?).ok()
    }

    /// Every value of `name`, joined by commas: several lines of one header are one list. `None` without any.
    pub fn list(&self, name: &str) -> Option<Vec<u8>> {
        self.has(name).then(|| self.all(name).collect::<Vec<_>>().join(&b","[..]))
    }

    /// The first condition on an entity tag (RFC 9110, section 13.1) that is not `evaluated`.
    pub(crate) fn other_condition(&self, evaluated: &str) -> Option<&'static str> {
        ["If-Match", "If-None-Match"].into_iter().find(|name| *name != evaluated && self.has(name))
    }

    /// Whether there is a field of this name, whatever its value.
    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_is_not_evaluated_is_found() {
        let headers = Headers::new(vec![("if-match".to_owned(), b"*".to_vec())]);
        assert_eq!(headers.other_condition("If-Match"), None);
        assert_eq!(headers.other_condition("If-None-Match"), Some("If-Match"));
        assert_eq!(headers.other_condition(""), Some("If-Match"));
        assert_eq!(Headers::default().other_condition(""), None);
    }

    #[test]
    fn names_match_in_any_case_and_repeated_fields_are_seen() {
        let headers = Headers::new(vec![
            ("Accept".to_owned(), b"a".to_vec()),
            ("accept".to_owned(), b"b".to_vec()),
            ("x-binary".to_owned(), vec![0xff]),
            ("host".to_owned(), b"h".to_vec()),
        ]);
        assert_eq!(headers.all("accept").collect::<Vec<_>>(), [b"a", b"b"]);
        assert_eq!(headers.only("accept"), None);
        assert_eq!(headers.last("accept"), Some("b"));
        assert_eq!((headers.list("accept"), headers.list("etag")), (Some(b"a,b".to_vec()), None));
        assert_eq!(headers.only("host"), Some("h"));
        assert_eq!(headers.only("x-binary"), None);
        assert!(headers.has("x-binary") && !headers.has("etag"));
    }
}
