//! Why a request to items was not served, and the answer it becomes.

use shared::problem::{FieldError, Problem};
use shared::response::Response;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An id, a query or a header that cannot be read. The text names it and says what it has to be.
    #[error("{0}")]
    Malformed(String),
    /// The body is JSON, but no item.
    #[error("the body is no item")]
    Invalid(Vec<FieldError>),
    #[error("there is no item {0}")]
    NotFound(i64),
    #[error("the item has another version")]
    PreconditionFailed,
    #[error("the key was used with another body")]
    KeyConflict,
    #[error(transparent)]
    Shared(#[from] shared::Error),
}

impl Error {
    pub fn response(&self, request_id: &str) -> Response {
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
            Self::Shared(error) => return error.response(request_id),
        };
        problem.response(request_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_the_status_the_contract_says() {
        for (error, status) in [
            (Error::Malformed("id: no".to_owned()), 400),
            (Error::Invalid(vec![]), 422),
            (Error::NotFound(1), 404),
            (Error::PreconditionFailed, 412),
            (Error::KeyConflict, 422),
            (Error::Shared(shared::Error::NoRoute { detail: "" }), 404),
            (Error::Shared(shared::Error::WrongMethod { allow: "GET".to_owned() }), 405),
            (Error::Shared(shared::Error::NotReady(Box::new(shared::Error::Variable("db_url")))), 503),
            (Error::Shared(shared::Error::Variable("db_url")), 503),
            (Error::Shared(shared::Error::TooLarge { limit: 1 }), 413),
            (Error::Shared(shared::Error::MediaType { accepted: "application/json" }), 415),
            (Error::Shared(shared::Error::CutShort), 400),
        ] {
            assert_eq!(error.response("r").status(), status, "{error}");
        }
    }
}
