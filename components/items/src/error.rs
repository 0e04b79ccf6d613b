//! Why a request to items was not served, and the answer it becomes.

use shared::problem::{FieldError, Problem};
use shared::response::Response;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such path")]
    NoRoute,
    #[error("the path has no such method")]
    WrongMethod { allow: String },
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
    /// Readiness: the database does not answer.
    #[error("not ready")]
    NotReady(#[source] shared::Error),
    #[error(transparent)]
    Shared(#[from] shared::Error),
}

impl Error {
    pub fn response(&self, request_id: &str) -> Response {
        if let Self::NotReady(_) = self {
            return Response::new(503)
                .text("database: unreachable\n".to_owned())
                .header("cache-control", "no-store")
                .header("retry-after", "1");
        }
        let response = self.problem().response(request_id);
        match self {
            Self::WrongMethod { allow } => response.header("allow", allow.clone()),
            _ => response,
        }
    }

    fn problem(&self) -> Problem {
        match self {
            Self::NoRoute => Problem::new(404, "There is nothing at this path; GET /openapi.json lists what there is."),
            Self::WrongMethod { allow } => Problem::new(405, format!("This path answers {allow}.")),
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
            Self::NotReady(error) | Self::Shared(error) => error.problem(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_the_status_the_contract_says() {
        for (error, status) in [
            (Error::NoRoute, 404),
            (Error::WrongMethod { allow: "GET".to_owned() }, 405),
            (Error::Malformed("id: no".to_owned()), 400),
            (Error::Invalid(vec![]), 422),
            (Error::NotFound(1), 404),
            (Error::PreconditionFailed, 412),
            (Error::KeyConflict, 422),
            (Error::NotReady(shared::Error::Variable("db_url")), 503),
            (Error::Shared(shared::Error::Variable("db_url")), 503),
            (Error::Shared(shared::Error::TooLarge { limit: 1 }), 413),
            (Error::Shared(shared::Error::MediaType { accepted: "application/json" }), 415),
            (Error::Shared(shared::Error::CutShort), 400),
        ] {
            assert_eq!(error.response("r").status(), status, "{error}");
        }
    }

    #[test]
    fn a_wrong_method_learns_the_right_ones() {
        let response = Error::WrongMethod { allow: "GET, HEAD, OPTIONS".to_owned() }.response("r");
        assert!(response.headers().contains(&("allow", "GET, HEAD, OPTIONS".into())));
    }
}
