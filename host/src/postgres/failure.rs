//! Database errors in the shape a guest sees them in Spin.

use crate::bindings::spin::postgres::postgres::{DbError, Error, QueryError};
use std::fmt::Write as _;

/// An error and its causes, laid out as Spin lays them out.
pub fn chain(error: &dyn std::error::Error) -> String {
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

/// An error with its SQLSTATE, where the server gave one.
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
            extras: extras(detail),
        }),
    })
}

/// An error without SQLSTATE: how everything that fails while rows are read arrives.
pub fn query_text(text: String) -> Error {
    Error::QueryFailed(QueryError::Text(text))
}

fn extras(detail: &tokio_postgres::error::DbError) -> Vec<(String, String)> {
    let line = detail.line().map(|line| line.to_string());
    let extras = [
        ("column", detail.column()),
        ("constraint", detail.constraint()),
        ("routine", detail.routine()),
        ("hint", detail.hint()),
        ("table", detail.table()),
        ("datatype", detail.datatype()),
        ("schema", detail.schema()),
        ("file", detail.file()),
        ("line", line.as_deref()),
        ("where_", detail.where_()),
    ];
    extras.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect()
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
        assert_eq!(chain(&error), "outer\n\nCaused by:\n    inner");
    }
}
