//! Why a request to items was not served, and the response that becomes.

use http_toolkit::problem::{FieldError, Problem};
use http_toolkit::{Failure, Response};

/// The error of every handler. The text is for the log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 400: an id, a query or a header that cannot be read. The text names it and what it has to be.
    #[error("{0}")]
    Malformed(String),
    /// 422: the body is JSON, but not a valid item.
    #[error("the body is not a valid item")]
    Invalid(Vec<FieldError>),
    /// 404: no item has this id.
    #[error("there is no item {0}")]
    NotFound(i64),
    /// 412: `If-Match` does not list the item's version.
    #[error("the item has another version")]
    PreconditionFailed,
    /// 422: the idempotency key belongs to a request with another body.
    #[error("the key was used with another body")]
    KeyConflict,
    /// The request was refused before a handler read its meaning.
    #[error(transparent)]
    Request(#[from] http_toolkit::Error),
    /// 503.
    #[error(transparent)]
    Database(#[from] shared::Error),
}

impl Failure for Error {
    fn response(&self, request_id: &str) -> Response<'static> {
        let problem = match self {
            Self::Malformed(detail) => Problem::new(400, detail.clone()),
            Self::Invalid(errors) => {
                Problem::new(422, "The body is not a valid item; see each field.").with_errors(errors.clone())
            }
            Self::NotFound(id) => Problem::new(404, format!("There is no item {id}.")),
            Self::PreconditionFailed => {
                Problem::new(412, "If-Match: the item has another version by now; get it again.")
            }
            Self::KeyConflict => {
                Problem::new(422, "Idempotency-Key: this key was used with another body in the last 24 hours.")
            }
            Self::Request(error) => return error.response(request_id),
            Self::Database(error) => return error.response(request_id),
        };
        problem.response(request_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_the_status_of_the_contract() {
        for (error, status) in [
            (Error::Malformed("id: no".to_owned()), 400),
            (Error::Invalid(vec![]), 422),
            (Error::NotFound(1), 404),
            (Error::PreconditionFailed, 412),
            (Error::KeyConflict, 422),
            (Error::Request(http_toolkit::Error::TooLarge { limit: 1 }), 413),
            (Error::Database(shared::Error::Variable("db_url")), 503),
        ] {
            assert_eq!(error.response("r").status(), status, "{error}");
        }
    }
}
