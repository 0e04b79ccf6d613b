//! PostgreSQL, schema, host and sidecar on one machine, in one process tree.
//!
//! `make up` runs all of them with [`run`]. Tests and the benchmark use [`Server`] and [`Database`] directly.
//!
//! # Layout
//! - `config`: what a stack is started with, which is also its command line
//! - `stack`: starts the parts in order, restarts the server if it ends, stops the parts in reverse order
//! - `server`: a PostgreSQL server from installed programs (`binaries` finds them)
//! - `database`: creates a database, applies the schema and makes copies for tests, by `psql`
//! - `address`, `role`, `passwords`: where a database is, and who connects to it
//! - `host`: what runs the application: the embedded host, or `spin`
//! - `sidecar`: the metrics exporter, a process of its own
//! - `readiness`: asks `/readyz` every second, as the probe of a cluster would
//! - `credentials`: `pgpass` for `psql` and `.env` for `spin up`
//! - `console`: what `make up` prints
//! - `restarts`, `files`: a limit for restarts; small files with secrets in them
//! - `error`: everything that can go wrong, each message with its fix

#![warn(missing_docs)]

mod address;
mod binaries;
mod config;
mod console;
mod credentials;
mod database;
mod error;
mod files;
mod host;
mod passwords;
mod psql;
mod readiness;
mod restarts;
mod role;
mod server;
mod sidecar;
mod spin;
mod stack;

pub use address::Address;
pub use config::Config;
pub use database::Database;
pub use error::Error;
pub use host::{Host, Kind};
pub use passwords::Passwords;
pub use role::Role;
pub use server::{Lifetime, Server, settings};
pub use stack::run;
