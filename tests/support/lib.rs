//! Starts and inspects the running system for the tests: the real components over a real PostgreSQL, on
//! the embedded host or on Spin (`APP_HOST=spin`).
//!
//! ```ignore
//! let app = App::start().await;                                     // a database and a host of its own
//! let item = app.create("bolt").await;
//! let response = app.get(&format!("/items/{}", item.id)).await;     // also checked against /openapi.json
//! assert_eq!(response.status, 200);
//! app.audited(2, SOON).await;                                       // both operations are in audit_logs
//! ```
//!
//! Every test has a host and a database of its own, so all tests may run at once. Dropping [`App`] removes both.
//! Whatever fails here panics with what it saw, and every wait has a deadline ([`SOON`] unless the test sets one): no
//! test is skipped.
//!
//! # Layout
//! - `app`: the application under test, with changes where a test needs them
//! - `manifest`: its `spin.toml`
//! - `probe`: a component that does what a request tells it to, beside the real ones or instead of audit
//! - `service`: the application as its clients see it, at any address
//! - `response`: an HTTP response, read to its end
//! - `contract`: compares responses with `/openapi.json`
//! - `slow_reader`: a client that stops reading in the middle of a response
//! - `raw`: requests as bytes, for those that no client library sends
//! - `spans`: an OTLP receiver
//! - `postgres`: the PostgreSQL server of this test process
//! - `database`: the database of one test
//! - `outbox`: the outbox and the relay's lease
//! - `trail`: the audit trail
//! - `wait`: waiting for a condition

#![warn(missing_docs)]

mod app;
mod contract;
mod database;
mod manifest;
mod outbox;
mod postgres;
mod probe;
mod raw;
mod response;
mod service;
mod slow_reader;
mod spans;
mod trail;
mod wait;

pub use app::{App, Builder, kind};
pub use contract::Contract;
pub use database::TestDatabase;
pub use http::{Method, StatusCode};
pub use manifest::{Manifest, root, schema};
pub use outbox::Lease;
pub use raw::{RawResponse, closed_port};
pub use response::{Item, Response};
pub use serde_json::{Value, json};
pub use service::Service;
pub use slow_reader::SlowReader;
pub use spans::{Receiver, Span};
pub use stack::{Kind, Role};
pub use trail::{Audited, differing_totals, event};
pub use wait::{SOON, eventually};
