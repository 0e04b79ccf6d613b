//! The sidecar: a Prometheus exporter with two sources.
//!
//! It receives the OpenTelemetry spans that Spin, or another host of `spin.toml`, sends over OTLP/HTTP: server spans
//! become request rate, errors and latency, spans of database calls become latency per SQL function. At each scrape it
//! also reads the database, whose totals are exact and survive a restart of every process. The components contain no
//! metrics code.
//!
//! The sidecar is ready as soon as its ports are bound. A lost database shows as a metric and a log line; a restart
//! would not help.
//!
//! # Layout
//! - [`cli`]: the command line and its environment variables
//! - `config`: what a sidecar is started with
//! - `sidecar`: binds the ports, starts the tasks and stops them
//! - `listener`: accepts HTTP connections, with limits
//! - `admin`: the routes for Prometheus and probes
//! - `otlp`: receives spans and turns them into observations
//! - `forward`: passes received exports on to another receiver
//! - `metrics`: what the sidecar counts itself; label values and the writer that the next two share
//! - `database`: reads the database when Prometheus scrapes
//! - [`trail`]: signs the heads of the audit trail, and verifies it
//! - `process`: CPU time and memory, from `/proc`
//! - [`log`]: log lines in JSON
//! - [`stop`]: what ends the program
//! - `error`: why a sidecar does not start

mod admin;
pub mod cli;
mod config;
mod database;
mod error;
mod forward;
mod listener;
pub mod log;
mod metrics;
mod otlp;
mod process;
mod sidecar;
pub mod stop;
pub mod trail;

pub use config::{Config, Database, Password, Pid, Trail, Watch};
pub use error::Error;
pub use sidecar::Sidecar;
