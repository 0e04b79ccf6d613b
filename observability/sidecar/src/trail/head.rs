//! A head of the trail's tree, as a signed checkpoint (C2SP tlog-checkpoint).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::key::{PublicKey, SigningKey};
use super::tree::{Edge, Hash};

/// The tree at one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Whose trail it is.
    pub origin: String,
    /// The incarnation of the trail.
    pub incarnation: String,
    /// How many batches the tree had.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

/// Why a text is not a head.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Some line is not what a checkpoint has there.
    #[error("it is not a checkpoint of a trail")]
    Form,
    /// None of the given keys has signed it.
    #[error("it is not signed by KEY: it was forged, or is of another trail")]
    Signature,
}

impl Head {
    /// The head of the tree with this edge.
    pub fn new(origin: &str, incarnation: &str, edge: &Edge) -> Self {
        Self { origin: origin.into(), incarnation: incarnation.into(), size: edge.size, root: edge.root() }
    }

    /// What is signed: three lines.
    pub fn text(&self) -> String {
        format!("{}/{}\n{}\n{}\n", self.origin, self.incarnation, self.size, STANDARD.encode(self.root))
    }

    /// The checkpoint.
    pub fn sign(&self, key: &SigningKey) -> String {
        key.sign(&self.text())
    }

    /// The head in a checkpoint; its signature is not checked.
    ///
    /// # Errors
    /// [`Invalid::Form`]
    pub fn read(note: &str) -> Result<Self, Invalid> {
        let mut lines = note.lines();
        let mut line = || lines.next().ok_or(Invalid::Form);
        let (origin, incarnation) = line()?.rsplit_once('/').ok_or(Invalid::Form)?;
        let size = line()?.parse().map_err(|_| Invalid::Form)?;
        let root = STANDARD.decode(line()?).ok().and_then(|root| root.try_into().ok()).ok_or(Invalid::Form)?;
        let head = Self { origin: origin.into(), incarnation: incarnation.into(), size, root };
        if note.starts_with(&format!("{}\n", head.text())) { Ok(head) } else { Err(Invalid::Form) }
    }

    /// The head in a checkpoint that one of `keys` has signed.
    ///
    /// # Errors
    /// [`Invalid`]
    pub fn open(note: &str, keys: &[PublicKey]) -> Result<Self, Invalid> {
        let head = Self::read(note)?;
        let signed =
            |key: &PublicKey| key.name == head.origin && note.lines().any(|line| key.verifies(&head.text(), line));
        if keys.iter().any(signed) { Ok(head) } else { Err(Invalid::Signature) }
    }
}

/// The checkpoints in a text that may hold others things too: as they are, and as the member `checkpoint` of a JSON
/// object in a line, as the sidecar logs them.
pub fn notes(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut notes = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let value = line.find('{').and_then(|at| serde_json::from_str::<serde_json::Value>(&line[at..]).ok());
        if let Some(note) = value.as_ref().and_then(|value| value["checkpoint"].as_str()) {
            notes.push(note.to_owned());
        }
        // The first signature comes after three lines and an empty one; other signatures may follow.
        if index >= 4 && lines[index - 1].is_empty() && PublicKey::is_signature(line) {
            let signatures = lines[index..].iter().take_while(|line| PublicKey::is_signature(line)).count();
            notes.push(lines[index - 4..index + signatures].join("\n") + "\n");
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_are_found_between_other_lines_and_in_log_lines() {
        let head = Head { origin: "o".into(), incarnation: "0a1b2c3d".into(), size: 7, root: [9; 32] };
        let note = format!("{}\n— o AAAA\n— witness BBBB\n", head.text());
        assert_eq!(Head::read(&note), Ok(head));
        let line = serde_json::json!({ "msg": "trail head signed", "checkpoint": note });
        let text = format!("{note}\nnode-1 {line}\n{{\"msg\":\"x\"}}\nedge\n{note}");
        assert_eq!(notes(&text), [note.as_str(); 3]);
        assert_eq!(Head::open(&note, &[]), Err(Invalid::Signature));
        for wrong in [
            "",
            "o/1\n7\n",
            "o\n7\nAA==\n\n— o A\n",
            &note.replace("\n7\n", "\n07\n"),
            &note.replace("\n\n", "\nx\n\n"),
        ] {
            assert_eq!(Head::read(wrong), Err(Invalid::Form), "{wrong}");
        }
    }
}
