//! Tests of the running system, in one program: a file per endpoint or per promise, named for it.
//!
//! # Layout
//! - `api`: every endpoint of items, and what holds for all requests and responses
//! - `audit`: the audit trail: one row per operation, private, retained
//! - `relay`: the way from the outbox to audit, with every failure on it
//! - `database`: the schema by itself: functions, roles, plans
//! - `operation`: logs, spans, calls of the host, overload, shutdown
//! - `security`: the promises of SECURITY.md
//! - `host_contract`: how a component sees PostgreSQL through the embedded host

mod api;
mod audit;
mod database;
mod host_contract;
mod operation;
mod relay;
mod security;
