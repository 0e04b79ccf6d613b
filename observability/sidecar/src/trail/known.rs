//! The last signed head and its edge, kept in a file so that a restart forgets nothing.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::head::{Head, notes};
use super::tree::Edge;
use crate::Error;

/// What is known of the tree from the last signature.
#[derive(Clone, Debug)]
pub struct Known {
    /// The head.
    pub head: Head,
    /// The head's edge, from which the tree is carried on.
    pub edge: Edge,
    /// The head as a checkpoint.
    pub note: String,
}

impl Known {
    /// What `file` has, `None` if there is no file.
    ///
    /// # Errors
    /// [`Error::AuditHead`] if it is not what [`Known::keep`] writes.
    pub fn read(file: &Path) -> Result<Option<Self>, Error> {
        let wrong = |reason: &str| Error::AuditHead(file.to_owned(), reason.to_owned());
        let text = match fs::read_to_string(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|error| wrong(&error.to_string()))?,
        };
        let note = notes(&text).into_iter().next().ok_or_else(|| wrong("it holds no checkpoint"))?;
        let head = Head::read(&note).map_err(|error| wrong(&error.to_string()))?;
        let nodes = text.lines().skip(note.lines().count()).filter(|line| !line.is_empty());
        let nodes = nodes.map(|line| STANDARD.decode(line).ok()?.try_into().ok()).collect::<Option<_>>();
        let edge =
            Edge { size: head.size, nodes: nodes.ok_or_else(|| wrong("a line after the checkpoint is no hash"))? };
        if edge.nodes.len() != edge.size.count_ones() as usize || edge.root() != head.root {
            return Err(wrong("its edge does not fit its checkpoint"));
        }
        Ok(Some(Self { head, edge, note }))
    }

    /// Replaces `file` in one step: the checkpoint, an empty line, and the hashes of the edge.
    ///
    /// # Errors
    /// What the system reports.
    pub fn keep(&self, file: &Path) -> io::Result<()> {
        let edge = self.edge.nodes.iter().map(|node| STANDARD.encode(node) + "\n").collect::<String>();
        replace(file, &format!("{}\n{edge}", self.note))
    }
}

/// Replaces `file` in one step that survives a power failure.
pub fn replace(file: &Path, text: &str) -> io::Result<()> {
    let draft = file.with_added_extension("new");
    let mut written = File::create(&draft)?;
    written.write_all(text.as_bytes())?;
    written.sync_all()?;
    fs::rename(&draft, file)?;
    file.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_read_again_and_a_damaged_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("head");
        assert!(Known::read(&file).unwrap().is_none());
        let mut edge = Edge::default();
        (0..7).for_each(|number| edge.append(&[number]));
        let head = Head::new("o", "0a1b2c3d", &edge);
        let note = format!("{}\n— o AAAA\n", head.text());
        Known { head: head.clone(), edge: edge.clone(), note: note.clone() }.keep(&file).unwrap();
        let known = Known::read(&file).unwrap().unwrap();
        assert_eq!((known.head, known.edge, known.note), (head, edge, note));
        let text = fs::read_to_string(&file).unwrap();
        for damaged in
            [text.replace("\n7\n", "\n8\n"), text[..text.len() - 5].into(), String::new(), format!("{text}x\n")]
        {
            fs::write(&file, &damaged).unwrap();
            assert!(Known::read(&file).is_err(), "{damaged}");
        }
    }
}
