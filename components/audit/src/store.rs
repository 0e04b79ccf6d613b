//! The statements of audit. Each calls one function of the schema.

use shared::Error;
use shared::database::{Connection, LACKING, address, lacks_nothing};
use spin_sdk::pg4::ParameterValue;

/// Stores the events of a JSON array, all or none; an event that is stored already is skipped.
pub const STORE: &str = "SELECT audit_store($1)";

/// Fails unless the database can be written.
const READY: &str = "SELECT audit_ready()";

/// Stores `events`, the text of a JSON array. Uses `execute`, not `query`, because only then an error carries its
/// SQLSTATE, which distinguishes a refused value from a database in trouble ([`Error::is_refusal`]).
///
/// # Errors
/// [`Error`]; whether the events are stored is unknown then, unless it is a refusal.
pub fn store(events: String) -> Result<(), Error> {
    Connection::open(&address()?)?.execute(STORE, &[ParameterValue::Str(events)])
}

/// Checks that events can be stored.
///
/// # Errors
/// [`Error`] if they cannot.
pub fn ready() -> Result<(), Error> {
    let connection = Connection::open(&address()?)?;
    lacks_nothing(connection.query(LACKING, &[ParameterValue::Str([STORE, READY].concat())])?)?;
    connection.execute(READY, &[])
}
