//! The database, through `spin:postgres@4.0.0`.
//!
//! Statements are single and self-contained, because the host does not roll a pooled connection back between requests.
//! What a statement decides comes back as a row; an error means that the outcome is unknown, because the host drops the
//! SQLSTATE of an error raised while a `query` runs ([`Connection::execute`] keeps it).

use spin_sdk::pg4::{self, DbValue, ParameterValue, PgError, QueryError};

use crate::error::{Cause, Error};

/// Ends its own session if that can only read: it is bound to a server that was demoted, or began while the database
/// was read-only. No host notices this by itself, and a pool would keep such a session for ever.
const END_READ_ONLY: &str =
    "SELECT pg_terminate_backend(pg_backend_pid()) WHERE current_setting('transaction_read_only') = 'on'";

/// Returns the functions that the statements in $1 call and this session cannot, or NULL: a function is missing, or may
/// not be executed. A function with another signature has another name. Asks the catalogue, so it fits any schema.
pub const LACKING: &str = "SELECT string_agg(c[1], ' ') FROM regexp_matches($1, '([a-z_]+)[(]', 'g') AS c \
    WHERE NOT EXISTS (SELECT FROM pg_proc WHERE proname = c[1] AND pg_function_is_visible(oid) \
    AND has_function_privilege(oid, 'EXECUTE'))";

/// One connection of the host's pool; dropping it returns it.
pub struct Connection(pg4::Connection);

impl Connection {
    /// Takes a connection to `address` (see [`address`]) from the pool.
    ///
    /// # Errors
    /// [`Error::Variable`] or [`Error::Connect`].
    pub fn open(address: &str) -> Result<Self, Error> {
        pg4::Connection::open(address)
            .map(Self)
            .map_err(|error| Error::Connect(Cause(connect_cause(&error).to_owned())))
    }

    /// Runs a statement that returns at most one row.
    ///
    /// # Errors
    /// [`Error::Statement`] or [`Error::Connect`].
    pub fn query(&self, statement: &'static str, parameters: &[ParameterValue]) -> Result<Option<Row>, Error> {
        let mut set = self.0.query(statement, parameters).map_err(|error| self.failed(statement, error))?;
        Ok(if set.rows.is_empty() {
            None
        } else {
            Some(Row { statement, values: set.rows.swap_remove(0).into_iter() })
        })
    }

    /// Runs a statement whose rows are not needed. Its errors carry the SQLSTATE.
    ///
    /// # Errors
    /// [`Error::Statement`] or [`Error::Connect`].
    pub fn execute(&self, statement: &'static str, parameters: &[ParameterValue]) -> Result<(), Error> {
        self.0.execute(statement, parameters).map(drop).map_err(|error| self.failed(statement, error))
    }

    fn failed(&self, statement: &'static str, error: PgError) -> Error {
        // Its own failure is expected: the session ends.
        _ = self.0.execute(END_READ_ONLY, &[]);
        failed(statement, error)
    }
}

/// Checks the result of [`LACKING`].
///
/// # Errors
/// [`Error::Lacking`] with the names of the functions.
pub fn lacks_nothing(row: Option<Row>) -> Result<(), Error> {
    match row.map_or(Ok(None), |mut row| row.text())? {
        None => Ok(()),
        Some(functions) => Err(Error::Lacking(functions)),
    }
}

/// The component variable that holds the database address.
///
/// # Errors
/// [`Error::Variable`]
pub fn address() -> Result<String, Error> {
    spin_sdk::variables::get("db_url").map_err(|_| Error::Variable("db_url"))
}

/// A row, read column by column in the order of the statement.
#[derive(Debug)]
pub struct Row {
    statement: &'static str,
    values: std::vec::IntoIter<DbValue>,
}

impl Row {
    /// The next column as text; `None` for NULL.
    ///
    /// # Errors
    /// [`Error::Shape`], as all the others here, if there is no such column or it has another type.
    pub fn text(&mut self) -> Result<Option<String>, Error> {
        self.next(|value| if let DbValue::Str(text) = value { Some(text) } else { None })
    }

    /// The next column as a `bigint`; `None` for NULL.
    pub fn integer(&mut self) -> Result<Option<i64>, Error> {
        self.next(|value| if let DbValue::Int64(number) = value { Some(number) } else { None })
    }

    /// The next column as a `double precision`; `None` for NULL.
    pub fn float(&mut self) -> Result<Option<f64>, Error> {
        self.next(|value| if let DbValue::Floating64(number) = value { Some(number) } else { None })
    }

    /// The next column as a `boolean`; `None` for NULL.
    pub fn boolean(&mut self) -> Result<Option<bool>, Error> {
        self.next(|value| if let DbValue::Boolean(truth) = value { Some(truth) } else { None })
    }

    /// The next column as a `bigint[]` without NULLs in it; `None` for NULL.
    pub fn integers(&mut self) -> Result<Option<Vec<i64>>, Error> {
        self.next(|value| if let DbValue::ArrayInt64(numbers) = value { numbers.into_iter().collect() } else { None })
    }

    /// The value of a column that its statement promises not to be NULL.
    ///
    /// # Errors
    /// [`Error::Shape`] if it is NULL.
    pub fn present<T>(&self, value: Option<T>) -> Result<T, Error> {
        value.ok_or(Error::Shape(self.statement))
    }

    fn next<T>(&mut self, decode: impl FnOnce(DbValue) -> Option<T>) -> Result<Option<T>, Error> {
        match self.values.next() {
            Some(DbValue::DbNull) => Ok(None),
            Some(value) => decode(value).map(Some).ok_or(Error::Shape(self.statement)),
            None => Err(Error::Shape(self.statement)),
        }
    }
}

/// A parameter: text, or NULL.
pub fn text(value: Option<&str>) -> ParameterValue {
    value.map_or(ParameterValue::DbNull, |value| ParameterValue::Str(value.to_owned()))
}

/// A parameter: a `bigint[]`.
pub fn integers(values: &[i64]) -> ParameterValue {
    ParameterValue::ArrayInt64(values.iter().copied().map(Some).collect())
}

fn failed(statement: &'static str, error: PgError) -> Error {
    let (code, message) = match error {
        PgError::QueryFailed(QueryError::DbError(error)) => (Some(error.code), error.message),
        PgError::QueryFailed(QueryError::Text(text)) => (None, message(&text)),
        PgError::ConnectionFailed(_) => {
            return Error::Connect(Cause(connect_cause(&error).to_owned()));
        }
        PgError::BadParameter(text) | PgError::ValueConversionFailed(text) | PgError::Other(text) => {
            (None, message(&text))
        }
    };
    Error::Statement { statement, code, cause: Cause(message) }
}

/// Causes of a failed connection that an operator has to distinguish, in the words of the host or the server.
const CONNECT_CAUSES: [&str; 15] = [
    "Connection refused",
    "Connection reset",
    "connection timed out",
    "timed out",
    "failed to lookup address",
    "No route to host",
    "Network is unreachable",
    "is not permitted",
    "password authentication failed",
    "too many clients",
    "remaining connection slots are reserved",
    "the database system is starting up",
    "the database system is shutting down",
    "does not exist",
    "certificate",
];

/// Why there is no connection. Only known phrases are repeated: the host's text may quote the address, and with it the
/// password.
fn connect_cause(error: &PgError) -> &'static str {
    let (PgError::ConnectionFailed(text) | PgError::Other(text)) = error else {
        return "reason withheld";
    };
    CONNECT_CAUSES.into_iter().find(|cause| text.contains(cause)).unwrap_or("reason withheld")
}

/// The message of a database error, out of the text into which the host turns it: a debug print, or a list of causes.
/// Details are left out, because they quote rows.
fn message(text: &str) -> String {
    const START: &str = "message: \"";
    let message = match text.split_once(START) {
        Some((_, rest)) => rest.split("\", ").next().unwrap_or(rest).split("\" }").next().unwrap_or(rest).to_owned(),
        None => {
            let lines = text.lines().map(str::trim_ascii).filter(|line| !line.is_empty() && *line != "Caused by:");
            lines.take_while(|line| !line.starts_with("DETAIL:")).collect::<Vec<_>>().join(": ")
        }
    };
    message.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_an_error_is_reduced_to_its_message() {
        for (debug, expected) in [
            (
                r#"Error { kind: Db, cause: Some(DbError { severity: "ERROR", parsed_severity: Some(Error), code: SqlState(E57014), message: "canceling statement due to statement timeout", detail: Some("Failing row contains (secret)"), hint: None }) }"#,
                "canceling statement due to statement timeout",
            ),
            (
                r#"Error { kind: Io, cause: Some(Os { code: 104, kind: ConnectionReset, message: "Connection reset by peer" }) }"#,
                "Connection reset by peer",
            ),
            (
                "db error\n\nCaused by:\n    ERROR: new row violates check constraint \"c\"\n    DETAIL: Failing row contains (secret).",
                "db error: ERROR: new row violates check constraint \"c\"",
            ),
            ("Error { kind: Closed, cause: None }", "Error { kind: Closed, cause: None }"),
        ] {
            assert_eq!(message(debug), expected);
        }
        assert_eq!(message(&"é".repeat(1_000)).chars().count(), 300);
    }

    #[test]
    fn a_failed_connection_never_repeats_the_text_of_the_host() {
        let error = |text: &str| PgError::ConnectionFailed(text.to_owned());
        for (text, expected) in [
            ("error connecting to server: Connection refused (os error 111)", "Connection refused"),
            ("address postgres://10.0.0.1:5432 is not permitted", "is not permitted"),
            ("invalid connection string: unexpected option password=hunter2", "reason withheld"),
            ("", "reason withheld"),
        ] {
            assert_eq!(connect_cause(&error(text)), expected);
        }
    }

    #[test]
    fn a_row_of_another_shape_is_an_error() {
        let row = |values: Vec<DbValue>| Row { statement: "SELECT", values: values.into_iter() };
        assert!(matches!(row(vec![DbValue::Int32(1)]).integer(), Err(Error::Shape("SELECT"))));
        assert!(matches!(row(vec![]).text(), Err(Error::Shape(_))));
        assert!(matches!(row(vec![DbValue::ArrayInt64(vec![Some(1), None])]).integers(), Err(Error::Shape(_))));
        assert_eq!(row(vec![DbValue::DbNull]).text().unwrap(), None);
        assert_eq!(row(vec![DbValue::ArrayInt64(vec![Some(1), Some(2)])]).integers().unwrap(), Some(vec![1, 2]));
        let empty = row(vec![]);
        assert!(matches!(empty.present(None::<i64>), Err(Error::Shape(_))));
    }
}
