//! What items and audit agree on.
//!
//! # Layout
//! - [`audit_api`]: the path of audit, and how many events and bytes a request to it may hold
//! - [`database`]: statements through `spin:postgres`
//! - [`error`]: why a statement has no result

pub mod audit_api;
pub mod database;
pub mod error;

pub use error::Error;
