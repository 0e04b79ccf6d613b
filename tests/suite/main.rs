//! Tests of the running system, in one program: a file per endpoint or per promise, named for it.
//!
//! # Layout
//! - `black_box`: the API at any address, which `make acceptance` runs against a deployed one
//! - `api`: the rest of the API: what shows only in the database, in a host of its own, or in bytes
//! - `audit`: the audit trail: one row per operation, private, retained
//! - `relay`: the way from the outbox to audit, with every failure on it
//! - `database`: the schema by itself: functions, roles, plans
//! - `operation`: logs, spans, calls of the host, shutdown
//! - `security`: the promises of SECURITY.md
//! - `host_contract`: what components and clients see of a host
//! - `embedded_host`: what is only about the embedded host

mod api;
mod audit;
mod black_box;
mod database;
mod embedded_host;
mod host_contract;
mod operation;
mod relay;
mod security;
