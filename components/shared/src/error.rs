//! Everything that can go wrong in what both components share, and the answer it becomes.

use crate::problem::Problem;
use crate::response::Response;

/// Why a request was not served. The text is for the log; [`Error::problem`] is what a caller sees.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `detail` is what the caller is told.
    #[error("no such path")]
    NoRoute { detail: &'static str },
    #[error("the path has no such method")]
    WrongMethod { allow: String },
    /// Readiness: the database does not answer.
    #[error("not ready")]
    NotReady(#[source] Box<Error>),
    /// A component variable is missing or its provider failed.
    #[error("cannot read the variable {0}")]
    Variable(&'static str),
    /// No connection. The cause is one of a fixed set of phrases, because the host's text may quote the address.
    #[error("cannot connect to the database")]
    Connect(#[source] Cause),
    /// A statement failed, or its connection broke: whether it took effect is unknown.
    #[error("the database failed {statement:?}")]
    Statement {
        statement: &'static str,
        /// SQLSTATE, when the host passed it on.
        code: Option<String>,
        #[source]
        cause: Cause,
    },
    /// The answer has not the columns the statement promises: schema and component do not belong together.
    #[error("the database answered {0:?} in another shape than agreed")]
    Shape(&'static str),
    #[error("the body is not {accepted}")]
    MediaType { accepted: &'static str },
    #[error("the body is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the body was cut short")]
    CutShort,
    #[error("the body took too long to arrive")]
    TooSlow,
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// The peer closed while it was written to.
    #[error("the peer went away")]
    PeerGone,
    /// The peer stopped reading.
    #[error("the peer reads too slowly")]
    PeerSlow,
}

/// The innermost reason: text that came from the host or the database, already free of secrets.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Cause(pub String);

impl Error {
    pub fn response(&self, request_id: &str) -> Response {
        match self {
            Self::NotReady(_) => Response::new(503)
                .text("database: unreachable\n".to_owned())
                .header("cache-control", "no-store")
                .header("retry-after", "1"),
            Self::WrongMethod { allow } => self.problem().response(request_id).header("allow", allow.clone()),
            _ => self.problem().response(request_id),
        }
    }

    /// What the caller is told: enough to act on, nothing about the inside.
    fn problem(&self) -> Problem {
        match self {
            Self::NoRoute { detail } => Problem::new(404, *detail),
            Self::WrongMethod { allow } => Problem::new(405, format!("This path answers {allow}.")),
            Self::NotReady(_)
            | Self::Variable(_)
            | Self::Connect(_)
            | Self::Statement { .. }
            | Self::Shape(_)
            | Self::PeerGone
            | Self::PeerSlow => {
                Problem::new(503, "The database did not answer. Whether the request took effect is unknown; try again.")
            }
            Self::MediaType { accepted } => {
                Problem::new(415, format!("Content-Type has to be {accepted}, without Content-Encoding."))
            }
            Self::TooLarge { limit } => Problem::new(413, format!("The body may have up to {limit} bytes.")),
            Self::TooSlow => Problem::new(408, "The body took too long to arrive."),
            Self::CutShort => Problem::new(400, "The body ended before its announced length."),
            Self::NotJson(reason) => Problem::new(400, format!("The body is not JSON: {reason}.")),
        }
    }

    /// Whether the database refused the values themselves (SQLSTATE class 22 or 23), so that trying again is no use.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Statement { code: Some(code), .. } if code.starts_with("22") || code.starts_with("23"))
    }
}

/// `error` and what caused it, outermost first, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(code: Option<&str>) -> Error {
        Error::Statement {
            statement: "SELECT 1",
            code: code.map(str::to_owned),
            cause: Cause("canceling statement due to statement timeout".to_owned()),
        }
    }

    #[test]
    fn a_chain_names_every_cause_in_one_line() {
        assert_eq!(
            chain(&statement(None)),
            r#"the database failed "SELECT 1": canceling statement due to statement timeout"#
        );
    }

    #[test]
    fn the_caller_learns_nothing_of_the_inside() {
        let problem = statement(None).problem();
        assert_eq!(problem.status, 503);
        assert!(!problem.detail.contains("SELECT") && !problem.detail.contains("timeout"), "{}", problem.detail);
    }

    #[test]
    fn a_wrong_method_learns_the_right_ones() {
        let response = Error::WrongMethod { allow: "GET, HEAD, OPTIONS".to_owned() }.response("r");
        assert!(response.headers().contains(&("allow", "GET, HEAD, OPTIONS".into())));
    }

    #[test]
    fn only_data_exceptions_and_violated_constraints_are_refusals() {
        for (code, refusal) in [
            (Some("22P02"), true),
            (Some("23514"), true),
            (Some("57014"), false),
            (Some("42501"), false),
            (None, false),
        ] {
            assert_eq!(statement(code).is_refusal(), refusal, "{code:?}");
        }
    }
}
