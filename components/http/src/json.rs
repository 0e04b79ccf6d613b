//! JSON: reading strictly, writing objects.
//!
//! Reading is stricter than RFC 8259 asks: an object with a repeated key is refused, at any depth. The RFC leaves its
//! meaning open, and a check is bypassed where two readers choose different values. Numbers are checked for their form
//! only, because nothing here needs the value of one that is no integer: `1e400` is JSON.

use std::borrow::Cow;
use std::collections::BTreeSet;

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
    /// Any other number.
    Number,
    String(String),
    Array(Vec<Json>),
    /// Keys in the order they were written, each once.
    Object(Vec<(String, Json)>),
}

/// Arrays and objects may be nested this deep.
const MOST_LEVELS: u8 = 127;

impl Json {
    /// Reads one whole document.
    ///
    /// # Errors
    /// For a syntax error, text after the document, a byte order mark, invalid UTF-8, a lone surrogate, a repeated key,
    /// or more than 127 levels of nesting. The reason names line and column, counted in bytes.
    pub fn parse(text: &[u8]) -> Result<Self, NotJson> {
        let mut reader = Reader { text, at: 0 };
        reader.document().map_err(|reason| {
            let (mut line, mut column) = (1, 1);
            for byte in &text[..reader.at.min(text.len())] {
                (line, column) = if *byte == b'\n' { (line + 1, 1) } else { (line, column + 1) };
            }
            NotJson(format!("{reason} at line {line} column {column}"))
        })
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

type Read<T> = Result<T, Cow<'static, str>>;

/// A document (RFC 8259) and the place that is read next, which after an error is the place of the error.
struct Reader<'t> {
    text: &'t [u8],
    at: usize,
}

impl Reader<'_> {
    fn document(&mut self) -> Read<Json> {
        if self.text.starts_with(b"\xef\xbb\xbf") {
            return Err("a byte order mark, to be left out (RFC 8259, 8.1),".into());
        }
        let document = self.value(MOST_LEVELS)?;
        match self.next_token() {
            None => Ok(document),
            Some(_) => Err("more than one value".into()),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// The next byte behind white space.
    fn next_token(&mut self) -> Option<u8> {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.peek()
    }

    fn skip_if(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// Whether a list goes on behind one of its elements, or ends with `close`.
    fn goes_on(&mut self, close: u8) -> Read<bool> {
        self.next_token();
        if self.skip_if(b',') {
            Ok(true)
        } else if self.skip_if(close) {
            Ok(false)
        } else {
            Err("a comma or the end of an array or object is missing".into())
        }
    }

    /// Reads a value, in which `levels` more may be nested.
    fn value(&mut self, levels: u8) -> Read<Json> {
        match self.next_token() {
            Some(b'"') => self.string().map(Json::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'[' | b'{') if levels == 0 => Err("more than 127 levels".into()),
            Some(b'[') => {
                self.at += 1;
                let mut elements = Vec::new();
                self.next_token();
                let mut more = !self.skip_if(b']');
                while more {
                    elements.push(self.value(levels - 1)?);
                    more = self.goes_on(b']')?;
                }
                Ok(Json::Array(elements))
            }
            Some(b'{') => self.object(levels - 1),
            _ => {
                for (name, value) in [("null", Json::Null), ("true", Json::Bool(true)), ("false", Json::Bool(false))] {
                    if self.text[self.at..].starts_with(name.as_bytes()) {
                        self.at += name.len();
                        return Ok(value);
                    }
                }
                Err("a value is missing".into())
            }
        }
    }

    fn object(&mut self, levels: u8) -> Read<Json> {
        self.at += 1;
        let mut members: Vec<(String, Json)> = Vec::new();
        self.next_token();
        let mut more = !self.skip_if(b'}');
        while more {
            if self.next_token() != Some(b'"') {
                return Err("a key in double quotes is missing".into());
            }
            let key = self.string()?;
            if self.next_token() != Some(b':') {
                return Err("a colon is missing".into());
            }
            self.at += 1;
            members.push((key, self.value(levels)?));
            more = self.goes_on(b'}')?;
        }
        // A set, because a body of 64 KiB can hold ten thousand keys: comparing each with each would take too long.
        let mut keys = BTreeSet::new();
        match members.iter().find(|(key, _)| !keys.insert(key.as_str())) {
            Some((key, _)) => Err(format!("the key {:?} is there twice", abridged(key)).into()),
            None => Ok(Json::Object(members)),
        }
    }

    fn digits(&mut self) -> Read<()> {
        let begin = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > begin { Ok(()) } else { Err("a digit is missing".into()) }
    }

    fn number(&mut self) -> Read<Json> {
        let begin = self.at;
        self.skip_if(b'-');
        // A zero stands alone: what follows `0` in `01` is another value.
        if !self.skip_if(b'0') {
            self.digits()?;
        }
        let end = self.at;
        if self.skip_if(b'.') {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if !self.skip_if(b'-') {
                self.skip_if(b'+');
            }
            self.digits()?;
        }
        let integer = std::str::from_utf8(&self.text[begin..end]).ok().filter(|_| self.at == end);
        Ok(integer.and_then(|digits| digits.parse().ok()).map_or(Json::Number, Json::Integer))
    }

    fn string(&mut self) -> Read<String> {
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            match self.peek() {
                None => return Err("the end of a string is missing".into()),
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    let character = self.escaped()?;
                    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Some(0..0x20) => return Err("a control character that is not escaped".into()),
                Some(byte) => {
                    bytes.push(byte);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        String::from_utf8(bytes).map_err(|_| "a string that is not UTF-8".into())
    }

    /// The character that is escaped behind a backslash.
    fn escaped(&mut self) -> Read<char> {
        let letter = self.peek();
        self.at += 1;
        Ok(match letter {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let mut code = self.code_unit()?;
                if (0xd800..0xdc00).contains(&code) && self.skip_if(b'\\') && self.skip_if(b'u') {
                    let low = self.code_unit()?;
                    if (0xdc00..0xe000).contains(&low) {
                        code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                    }
                }
                char::from_u32(code).ok_or("a surrogate without its other half")?
            }
            _ => return Err("an unknown escape".into()),
        })
    }

    fn code_unit(&mut self) -> Read<u32> {
        let digit = |code, byte: &u8| Some(code << 4 | char::from(*byte).to_digit(16)?);
        let digits = self.text.get(self.at..self.at + 4);
        let code = digits.and_then(|digits| digits.iter().try_fold(0, digit));
        self.at += 4;
        code.ok_or_else(|| "four hexadecimal digits are missing".into())
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
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            '\n' => json.push_str("\\n"),
            '\0'..' ' => {
                let code = character as usize;
                json.push_str("\\u00");
                json.extend([code >> 4, code & 15].map(|digit| char::from(HEX[digit])));
            }
            _ => json.push(character),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests;
