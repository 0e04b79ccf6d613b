//! The trail as a tree: signs its head each minute, and verifies a trail against signed heads.
//!
//! The database keeps an RFC 6962 tree whose leaves are batches of events (`schema/005_audit.sql`). A person who owns
//! the database could compute it again; so the head, its size and root, is signed here and published as a checkpoint
//! (C2SP tlog-checkpoint). What a kept checkpoint covers cannot change unnoticed.
//!
//! - `tree`: leaf hash, the edge, the root
//! - `key`: the signing key and its public half
//! - `head`: a head of the tree, as a signed checkpoint
//! - `known`: the last signed head, kept in a file
//! - `signer`: compares the database's tree with the last head and signs the next
//! - `status`: what the signer found, as metrics
//! - [`verify`]: reads a whole trail and compares it with checkpoints

mod head;
mod key;
mod known;
mod signer;
mod status;
mod tree;
pub mod verify;

pub use head::{Head, Invalid, notes};
pub use key::{PublicKey, SigningKey};
pub use signer::Signer;
pub use status::Status;
