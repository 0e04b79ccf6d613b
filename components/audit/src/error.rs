//! Why audit did not store events, and the answer it becomes. The relay tells by the status whether to try again.

use std::error::Error as _;

use shared::problem::{FieldError, Problem};
use shared::response::Response;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such path")]
    NoRoute,
    #[error("the path has no such method")]
    WrongMethod { allow: String },
    /// Some event is none: nothing was stored.
    #[error("the body holds no valid events")]
    Invalid(Vec<FieldError>),
    /// The database will not have these values; asking again is no use. Its reason is told: the relay keeps it beside the
    /// event, for whoever has to mend it.
    #[error("the database refused the events")]
    Refused(#[source] shared::Error),
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
            Self::NoRoute => Problem::new(404, "There is nothing at this path."),
            Self::WrongMethod { allow } => Problem::new(405, format!("This path answers {allow}.")),
            Self::Invalid(errors) => Problem::new(422, "Nothing was stored.").with_errors(errors.clone()),
            Self::Refused(error) => {
                let reason = error.source().map(ToString::to_string).unwrap_or_default();
                Problem::new(422, format!("Nothing was stored: the database refuses a value: {reason}."))
            }
            Self::NotReady(error) | Self::Shared(error) => error.problem(),
        }
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
            (Error::NoRoute, 404),
            (Error::WrongMethod { allow: "POST, OPTIONS".to_owned() }, 405),
            (Error::Invalid(vec![]), 422),
            (Error::Refused(failed()), 422),
            (Error::NotReady(failed()), 503),
            (Error::Shared(failed()), 503),
            (Error::Shared(shared::Error::NotJson(String::new())), 400),
        ] {
            assert_eq!(error.response("r").status(), status, "{error}");
        }
    }
}
