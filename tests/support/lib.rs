//! The fixture of the integration suite: the real components on the embedded host over a real PostgreSQL.
//!
//! ```ignore
//! let app = App::start().await;                                     // a database and a host of its own
//! let item = app.create("bolt").await;
//! let answer = app.get(&format!("/items/{}", item.id)).await;       // checked against the contract on the way
//! assert_eq!(answer.status, 200);
//! app.audited(2, SOON).await;                                       // both operations are in audit_logs
//! ```
//!
//! Every test has a database and a host of its own and may run beside any other; both are gone when `App` is dropped.
//! A fixture that cannot do its work panics and says what it saw: nothing here is skipped.

mod answer;
mod app;
mod contract;
mod database;
mod manifest;
mod outbox;
mod postgres;
mod probe;
mod raw;
mod slow_reader;
mod spans;
mod trail;
mod wait;

pub use answer::{Answer, Item};
pub use app::{App, Builder};
pub use contract::Contract;
pub use database::{Audited, TestDatabase};
pub use manifest::{Manifest, root, schema};
pub use outbox::Lease;
pub use raw::{RawAnswer, closed_port, exchange};
pub use slow_reader::{SlowReader, Streamed};
pub use spans::{Receiver, Span};
pub use stack::Role;
pub use trail::differing_totals;
pub use wait::{SOON, eventually};
