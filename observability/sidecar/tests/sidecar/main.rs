//! The sidecar from outside: over its two ports, with a real PostgreSQL.

mod database;
mod exposition;
mod forward;
mod program;
mod rejections;
mod spans;
mod support;
