//! Errors of the database as a component gets them from Spin.

use super::bindings::spin::postgres::postgres::{DbError, Error, QueryError};
use std::fmt::Write as _;

/// An error and its causes, laid out as by Spin.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let causes: Vec<_> = std::iter::successors(error.source(), |cause| cause.source()).collect();
    let mut text = error.to_string();
    if !causes.is_empty() {
        text.push_str("\n\nCaused by:");
    }
    for (index, cause) in causes.iter().enumerate() {
        let _ = match causes.len() {
            1 => write!(text, "\n    {cause}"),
            _ => write!(text, "\n    {index}: {cause}"),
        };
    }
    text
}

/// An error with its SQLSTATE, if the server sent one. Its `extras` stay empty.
pub fn query_failed(error: &tokio_postgres::Error) -> Error {
    let as_text = format!("{error:?}");
    Error::QueryFailed(match error.as_db_error() {
        None => QueryError::Text(as_text),
        Some(detail) => QueryError::DbError(DbError {
            as_text,
            severity: detail.severity().to_owned(),
            code: detail.code().code().to_owned(),
            message: detail.message().to_owned(),
            detail: detail.detail().map(str::to_owned),
            extras: Vec::new(),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_cause_stands_below_its_error() {
        let error = Outer(std::io::Error::other("inner"));
        assert_eq!(with_causes(&error), "outer\n\nCaused by:\n    inner");
    }
}
