//! What items and audit agree on.
//!
//! # Layout
//! - [`database`]: statements through `spin:postgres`
//! - [`error`]: why a statement has no result
//! - [`event`]: how many events and bytes one request to audit may hold, and its path

pub mod database;
pub mod error;
pub mod event;

pub use error::Error;
