//! Attributes. Field numbers are those of `opentelemetry/proto/common/v1/common.proto`.

use super::wire::{Fields, Malformed};

/// The value of an attribute. Spin writes some numbers as text.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Attribute<'a> {
    /// No such attribute, or a value of another type.
    #[default]
    None,
    /// A string.
    Text(&'a [u8]),
    /// An integer.
    Number(i64),
}

impl<'a> Attribute<'a> {
    /// The text; empty for a number.
    pub fn text(self) -> &'a [u8] {
        if let Self::Text(text) = self { text } else { b"" }
    }

    /// The integer, written as a number or as text.
    pub fn number(self) -> Option<i64> {
        match self {
            Self::None => None,
            Self::Text(text) => str::from_utf8(text).ok()?.parse().ok(),
            Self::Number(number) => Some(number),
        }
    }

    /// Reads an `AnyValue`.
    fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut attribute = Self::None;
        for field in Fields::of(message) {
            attribute = match field? {
                (1, text) => Self::Text(text.bytes()?),
                (3, number) => Self::Number(number.varint()?.cast_signed()),
                _ => Self::None,
            };
        }
        Ok(attribute)
    }
}

/// Reads a `KeyValue`.
///
/// # Errors
/// When it is not one.
pub fn key_value(message: &[u8]) -> Result<(&[u8], Attribute<'_>), Malformed> {
    let (mut key, mut value) = (&b""[..], Attribute::None);
    for field in Fields::of(message) {
        match field? {
            (1, found) => key = found.bytes()?,
            (2, found) => value = Attribute::read(found.bytes()?)?,
            _ => {}
        }
    }
    Ok((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_may_be_written_as_text() {
        assert_eq!(Attribute::Text(b"404").number(), Some(404));
        assert_eq!(Attribute::Number(404).number(), Some(404));
        assert_eq!(Attribute::Text(b"\xff").number(), None);
        assert_eq!(Attribute::None.number(), None);
    }
}
