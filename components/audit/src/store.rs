//! The statements of audit. Each calls one function of the schema.

use shared::Error;
use shared::database::{Connection, address};
use spin_sdk::pg4::ParameterValue;

/// Stores the events of a JSON array, all or none; an event that is stored already is skipped.
const STORE: &str = "SELECT audit_store($1)";

/// Does nothing, if the database answers.
const READY: &str = "SELECT audit_ready()";

/// Stores `events`, the text of a JSON array. Uses `execute`, not `query`, because only then an error carries its
/// SQLSTATE, which distinguishes a refused value from a database in trouble ([`Error::is_refusal`]).
///
/// # Errors
/// [`Error`]; whether the events are stored is unknown then, unless it is a refusal.
pub fn store(events: String) -> Result<(), Error> {
    Connection::open(&address()?)?.execute(STORE, &[ParameterValue::Str(events)])
}

/// Checks that the database answers.
///
/// # Errors
/// [`Error`] if it does not.
pub fn ready() -> Result<(), Error> {
    Connection::open(&address()?)?.execute(READY, &[])
}
