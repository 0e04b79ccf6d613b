//! Why audit did not store events, and the answer it becomes. The relay tells by the status whether to try again.

use std::error::Error as _;

use shared::problem::{FieldError, Problem};
use shared::response::Response;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Some event is none: nothing was stored.
    #[error("the body holds no valid events")]
    Invalid(Vec<FieldError>),
    /// The database will not have these values; asking again is no use. Its reason is told: the relay keeps it beside the
    /// event, for the person who has to fix it.
    #[error("the database refused the events")]
    Refused(#[source] shared::Error),
    #[error(transparent)]
    Shared(#[from] shared::Error),
}

impl Error {
    pub fn response(&self, request_id: &str) -> Response {
        let problem = match self {
            Self::Invalid(errors) => Problem::new(422, "Nothing was stored.").with_errors(errors.clone()),
            Self::Refused(error) => {
                let reason = error.source().map(ToString::to_string).unwrap_or_default();
                Problem::new(422, format!("Nothing was stored: the database refuses a value: {reason}."))
            }
            Self::Shared(error) => return error.response(request_id),
        };
        problem.response(request_id)
    }
}

#[cfg(test)]
mod tests {
    use shared::error::Cause;

    use super::*;

    #[test]
    fn the_relay_learns_by_the_status_whether_to_try_again() {
        let failed = || shared::Error::Statement {
            statement: "SELECT",
            code: Some("57014".to_owned()),
            cause: Cause("canceling statement due to statement timeout".to_owned()),
        };
        for (error, status) in [
            (Error::Invalid(vec![]), 422),
            (Error::Refused(failed()), 422),
            (shared::Error::NotReady(Box::new(failed())).into(), 503),
            (shared::Error::NoRoute { detail: "" }.into(), 404),
            (Error::Shared(failed()), 503),
            (Error::Shared(shared::Error::NotJson(String::new())), 400),
        ] {
            assert_eq!(error.response("r").status(), status, "{error}");
        }
    }
}
