//! The contract with components, one file per table of the README: components and clients see what they see under Spin
//! 3.6.3.
//! The rows on the database are in the workspace's `tests/suite/host_contract.rs`, which has a PostgreSQL server.

mod calls;
mod command;
mod instances;
mod requests;
mod responses;
mod start;
mod support;
