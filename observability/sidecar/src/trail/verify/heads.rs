//! The checkpoints that were kept.

use std::collections::BTreeSet;

use super::Report;
use super::batches::Batches;
use crate::trail::head::Head;
use crate::trail::key::PublicKey;

/// Heads with valid signatures, from the smallest to the largest.
pub struct Heads(Vec<Head>);

impl Heads {
    /// Those of `checkpoints` that one of `keys` has signed; another one is wrong.
    pub fn open(checkpoints: &[String], keys: &[PublicKey], report: &mut Report) -> Self {
        let mut heads = Vec::new();
        for note in checkpoints {
            match Head::open(note, keys) {
                Ok(head) => heads.push(head),
                Err(error) => {
                    let size = Head::read(note).map_or(0, |head| head.size);
                    report.wrong(size, format!("of the checkpoint of {size} batches, {error}"));
                }
            }
        }
        heads.sort_by_key(|head| head.size);
        Self(heads)
    }

    /// The sizes at which a root is needed.
    pub fn sizes(&self) -> BTreeSet<u64> {
        self.0.iter().map(|head| head.size).collect()
    }

    /// Compares the heads with the batches and returns how many batches the largest head that matches covers.
    pub fn compare(&self, batches: &Batches, keys: &[PublicKey], report: &mut Report) -> u64 {
        let eras = &batches.beginnings;
        if let Some(head) = self.0.iter().find(|head| eras.iter().all(|era| era.incarnation != head.incarnation)) {
            let Head { size, incarnation, .. } = head;
            report.wrong(
                0,
                format!("a head of {size} batches is of incarnation {incarnation}, which this trail never had"),
            );
        }
        // The heads that beginnings name as the last ones before them.
        let mut named = Vec::new();
        for era in eras.iter().skip(1) {
            match era.head.as_ref().map(|note| Head::open(note, keys)) {
                Some(Ok(head)) => named.push(head),
                _ => report.wrong(era.number, "it begins an incarnation and names no signed head of the one before"),
            }
        }
        let mut covered = 0;
        for (index, era) in eras.iter().enumerate() {
            let named = named.iter().filter(|head| head.incarnation == era.incarnation).map(|head| head.size).max();
            let heads = self.0.iter().filter(|head| head.incarnation == era.incarnation);
            let (same, other): (Vec<&Head>, Vec<&Head>) =
                heads.partition(|head| batches.roots.get(&head.size) == Some(&head.root));
            let verified = same.last().map_or(0, |head| head.size);
            // A restore explains what was signed after the backup was made, up to the head that it names.
            let (lost, wrong): (Vec<&Head>, Vec<&Head>) =
                other.iter().partition(|head| head.size > verified && named.is_some_and(|named| head.size <= named));
            for Head { size, .. } in wrong {
                if *size > batches.size {
                    let what = format!(
                        "it is missing, though a head of {size} batches was signed: the end was cut off, or a backup was restored"
                    );
                    report.wrong(batches.size, what);
                } else {
                    let from = same.iter().map(|head| head.size).filter(|same| same < size).max().unwrap_or(0);
                    report.wrong(
                        from,
                        format!("batches {from} to {} are not those of which the head was signed", size - 1),
                    );
                }
            }
            if let Some(next) = eras.get(index + 1) {
                let text = format!(
                    "restored: batch {} begins incarnation {} after {}",
                    next.number, next.incarnation, era.incarnation
                );
                report.restored.push(match (lost.is_empty(), named) {
                    (false, Some(named)) => {
                        format!("{text}; what came after batch {verified} is lost, up to a head of {named} batches")
                    }
                    _ => text,
                });
            }
            covered = covered.max(verified);
        }
        covered
    }
}
