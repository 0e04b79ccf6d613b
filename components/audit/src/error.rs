//! Why events were not stored, and the response that becomes. The relay decides by its status whether to try again.

use std::error::Error as _;

use http_toolkit::problem::{FieldError, Problem};
use http_toolkit::{Failure, Response};

/// The error of every handler. The text is for the log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 422: at least one event is invalid; nothing was stored.
    #[error("the body holds an invalid event")]
    Invalid(Vec<FieldError>),
    /// 422: the database refuses a value, and would refuse it again. The response carries the reason, because the relay
    /// keeps it with the event for the person who has to fix it.
    #[error("the database refused the events")]
    Refused(#[source] shared::Error),
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
            Self::Invalid(errors) => Problem::new(422, "Nothing was stored.").with_errors(errors.clone()),
            Self::Refused(error) => {
                let reason = error.source().map(ToString::to_string).unwrap_or_default();
                Problem::new(422, format!("Nothing was stored: the database refuses a value: {reason}."))
            }
            Self::Request(error) => return error.response(request_id),
            Self::Database(error) => return error.response(request_id),
        };
        problem.response(request_id)
    }

    /// A refused event is a fault of this application, not of a client, so its reason is logged as well.
    fn is_logged(&self, status: u16) -> bool {
        status >= 500 || matches!(self, Self::Refused(_))
    }
}

#[cfg(test)]
mod tests {
    use shared::error::Cause;

    use super::*;

    #[test]
    fn the_status_shows_the_relay_whether_to_try_again() {
        let failed = || shared::Error::Statement {
            statement: "SELECT",
            code: Some("57014".to_owned()),
            cause: Cause("canceling statement due to statement timeout".to_owned()),
        };
        for (error, status) in [
            (Error::Invalid(vec![]), 422),
            (Error::Refused(failed()), 422),
            (Error::Database(failed()), 503),
            (Error::Request(http_toolkit::Error::CutShort), 400),
        ] {
            assert_eq!(error.response("r").status(), status, "{error}");
        }
    }
}
