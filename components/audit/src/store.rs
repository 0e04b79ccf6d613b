//! The statements of audit.

use shared::Error;
use shared::db::{Connection, address};
use spin_sdk::pg4::ParameterValue;

/// Stores a JSON array of events, whole or not at all; an event that is there already is left alone.
const STORE: &str = "SELECT audit_store($1)";

/// Answers when the database does.
const READY: &str = "SELECT audit_ready()";

/// Stores `events`, the text of a JSON array. Executed, not queried: only so an error carries its SQLSTATE, which tells a
/// refused value from a database in trouble ([`Error::is_refusal`]).
pub fn store(events: String) -> Result<(), Error> {
    Connection::open(&address()?)?.execute(STORE, &[ParameterValue::Str(events)])
}

pub fn ready() -> Result<(), Error> {
    Connection::open(&address()?)?.execute(READY, &[])
}
