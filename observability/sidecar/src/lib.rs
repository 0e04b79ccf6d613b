//! The sidecar: a Prometheus exporter with two sources and one registry.
//!
//! It receives what Spin (or another host of `spin.toml`) exports over OTLP/HTTP: server spans become rate, errors and latency, spans
//! of database calls become latency per function. And it reads the database when it is scraped: `audit_totals` is exact and outlives
//! every process, so that each operation counts once whatever restarts in between. The components carry no metrics code.
//!
//! It is ready as soon as its ports are bound: a lost database is a metric and a line in the log, no reason to be restarted.

mod admin;
pub mod cli;
mod database;
mod error;
mod forward;
pub mod log;
mod metrics;
mod options;
mod otlp;
mod process;
mod server;
mod sidecar;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use error::Error;
pub use options::{Build, Database, Options, Password, Pid, Watch};
pub use sidecar::Sidecar;

/// What the locks here guard is whole after every statement: a panic elsewhere spoils nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
