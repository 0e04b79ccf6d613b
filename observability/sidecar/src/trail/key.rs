//! Ed25519 keys in the forms of C2SP signed-note.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use super::tree::sha256;
use crate::Error;

/// What marks an Ed25519 key in its id and in its text.
const ED25519_KEY: u8 = 1;
/// Begins a line with a signature.
const DASH: &str = "— ";

/// A key that signs notes under a name.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl SigningKey {
    /// The key whose seed, 64 hexadecimal digits, is the text of `file`.
    ///
    /// # Errors
    /// [`Error::AuditKey`], whose message contains nothing of the file.
    pub fn read(file: &Path, name: &str) -> Result<Self, Error> {
        let wrong = |reason: String| Error::AuditKey(file.to_owned(), reason);
        let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
        let seed = from_hex(text.trim()).ok_or_else(|| wrong("it is not 64 hexadecimal digits".into()))?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|error| wrong(error.to_string()))?;
        let key = pair.public_key().as_ref().try_into().expect("a public key has 32 bytes");
        Ok(Self { pair, public: PublicKey { name: name.to_owned(), key } })
    }

    /// `text` with a signature; `text` ends with a line break.
    pub fn sign(&self, text: &str) -> String {
        let signature = [&self.public.id()[..], self.pair.sign(text.as_bytes()).as_ref()].concat();
        format!("{text}\n{DASH}{} {}\n", self.public.name, STANDARD.encode(signature))
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }
}

/// The public half of a key and its name. As text: `NAME+ID+BASE64`, which signed-note calls a verifier key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Whose signatures it verifies: the origin of the trail.
    pub name: String,
    key: [u8; 32],
}

impl PublicKey {
    fn id(&self) -> [u8; 4] {
        let hash = sha256(&[self.name.as_bytes(), &[b'\n', ED25519_KEY], &self.key]);
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// Whether `line` is this key's signature of `text`.
    pub fn verifies(&self, text: &str, line: &str) -> bool {
        let signature =
            line.strip_prefix(DASH).and_then(|line| line.strip_prefix(self.name.as_str())?.strip_prefix(' '));
        let Some(signature) = signature.and_then(|signature| STANDARD.decode(signature).ok()) else { return false };
        let Some(signature) = signature.strip_prefix(&self.id()[..]) else { return false };
        UnparsedPublicKey::new(&ED25519, self.key).verify(text.as_bytes(), signature).is_ok()
    }

    /// Whether `line` of a note is a signature, of whomever.
    pub fn is_signature(line: &str) -> bool {
        line.starts_with(DASH)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.id();
        let key = STANDARD.encode([&[ED25519_KEY][..], &self.key].concat());
        write!(f, "{}+{a:02x}{b:02x}{c:02x}{d:02x}+{key}", self.name)
    }
}

impl FromStr for PublicKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err("it is not NAME+ID+BASE64");
        };
        let key = STANDARD.decode(key).ok().and_then(|key| key.strip_prefix(&[ED25519_KEY])?.try_into().ok());
        let key = Self { name: name.to_owned(), key: key.ok_or("it is not an Ed25519 key")? };
        if key.to_string() == text.trim() { Ok(key) } else { Err("its id is that of another key") }
    }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: &str, name: &str) -> Result<SigningKey, Error> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, seed).unwrap();
        SigningKey::read(&file, name)
    }

    #[test]
    fn a_key_verifies_its_own_signatures_and_its_text_can_be_read_again() {
        let signing = key(&format!("{}\n", "0f".repeat(32)), "items/audit").unwrap();
        let public: PublicKey = signing.public().to_string().parse().unwrap();
        assert_eq!(&public, signing.public());
        let note = signing.sign("text\n");
        let line = note.lines().last().unwrap();
        assert!(public.verifies("text\n", line));
        assert!(!public.verifies("other\n", line));
        let other = key(&"10".repeat(32), "items/audit").unwrap();
        assert!(!other.public().verifies("text\n", line));
        let renamed = key(&"0f".repeat(32), "items").unwrap();
        assert!(!renamed.public().verifies("text\n", line));
    }

    #[test]
    fn the_key_of_the_published_example_of_signed_note_has_the_published_id() {
        // The example of golang.org/x/mod/sumdb/note, which C2SP signed-note describes.
        let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key: PublicKey = text.parse().unwrap();
        assert_eq!(key.to_string(), text);
        let line = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
        assert!(key.verifies(
            "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
            line
        ));
    }

    #[test]
    fn an_error_contains_nothing_of_the_key() {
        let seed = format!("{}x", "ab".repeat(31));
        let message = key(&seed, "n").err().unwrap().to_string();
        assert!(!message.contains("abab") && message.contains("64 hexadecimal digits"), "{message}");
    }
}
