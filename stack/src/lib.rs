//! The stack: PostgreSQL, schema, host and sidecar on one machine, in one process tree.
//!
//! [`Server`] is a PostgreSQL server of our own, [`Database`] one database with the schema applied on any server, [`Stack`] a host that
//! serves the application over such a database. `make up` starts all three, and the sidecar, through [`up::run`]; tests combine them as
//! they need.

mod address;
mod database;
mod error;
mod files;
mod passwords;
mod psql;
mod server;
mod sidecar;
mod stack;
pub mod up;

pub use address::Address;
pub use database::{Database, Role};
pub use error::Error;
pub use passwords::Passwords;
pub use server::{Lifetime, Server, settings};
pub use stack::{Options, Stack};
