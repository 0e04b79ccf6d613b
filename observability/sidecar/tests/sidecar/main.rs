//! The sidecar from outside: over its two ports, with a real PostgreSQL.

mod attacks;
mod database;
mod exposition;
mod forward;
mod program;
mod rejections;
mod signer;
mod spans;
mod support;
