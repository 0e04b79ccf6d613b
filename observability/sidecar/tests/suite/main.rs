//! The sidecar as others meet it: over its two ports, in front of a real PostgreSQL.

mod support;

mod database;
mod exposition;
mod forward;
mod program;
mod refusals;
mod spans;
mod spin;
