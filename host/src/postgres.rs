//! Pooled sessions with PostgreSQL servers, and their results in the types of `spin:postgres@4.0.0`.

pub mod bindings;
mod failure;
mod pool;
mod session;
mod values;

pub use pool::{Connection, Pools};
