//! The contract with components, row by row as in the README: what a guest and a client see under Spin 3.6.3 they see here.
//! The database rows are in the workspace's integration suite, which has a PostgreSQL server.

mod chaining;
mod command;
mod grants;
mod guests;
mod outbound;
mod requests;
mod responses;
mod start;
mod support;
