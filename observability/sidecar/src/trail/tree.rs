//! A Merkle tree after RFC 6962, section 2.1, as far as appending and its root need it.

use ring::digest::{Context, SHA256, digest};

/// A SHA-256.
pub type Hash = [u8; 32];

/// The SHA-256 of all `parts` together.
pub fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// The right edge of a tree: the roots of its complete subtrees, from the largest to the smallest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    /// How many leaves the tree has.
    pub size: u64,
    /// One for each bit that is set in `size`.
    pub nodes: Vec<Hash>,
}

impl Edge {
    /// Appends a leaf with this content.
    pub fn append(&mut self, leaf: &[u8]) {
        let mut node = sha256(&[&[0], leaf]);
        for _ in 0..self.size.trailing_ones() {
            let left = self.nodes.pop().expect("a subtree for each bit of the size");
            node = sha256(&[&[1], &left, &node]);
        }
        self.nodes.push(node);
        self.size += 1;
    }

    /// The root of the tree; that of an empty tree is the hash of nothing.
    pub fn root(&self) -> Hash {
        let mut nodes = self.nodes.iter().rev();
        let Some(smallest) = nodes.next() else {
            return digest(&SHA256, b"").as_ref().try_into().expect("SHA-256 has 32 bytes");
        };
        nodes.fold(*smallest, |right, left| sha256(&[&[1], left, &right]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of RFC 6962, which splits at the largest power of two below the size.
    fn defined(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => sha256(&[]),
            [leaf] => sha256(&[&[0], leaf]),
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                sha256(&[&[1], &defined(left), &defined(right)])
            }
        }
    }

    #[test]
    fn every_root_is_that_of_the_definition() {
        let mut edge = Edge::default();
        let leaves: Vec<Vec<u8>> = (0..70_u8).map(|number| vec![number; number.into()]).collect();
        for size in 0..leaves.len() {
            assert_eq!(edge.root(), defined(&leaves[..size]), "{size}");
            assert_eq!((edge.size, edge.nodes.len()), (size as u64, size.count_ones() as usize));
            edge.append(&leaves[size]);
        }
    }

    #[test]
    fn the_roots_are_those_that_certificate_transparency_publishes_as_test_vectors() {
        let leaves =
            ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
        let mut edge = Edge::default();
        for leaf in leaves {
            let bytes: Vec<u8> =
                (0..leaf.len()).step_by(2).map(|at| u8::from_str_radix(&leaf[at..at + 2], 16).unwrap()).collect();
            edge.append(&bytes);
        }
        let hex: String = edge.root().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }
}
