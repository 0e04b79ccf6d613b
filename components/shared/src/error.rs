//! Why a statement has no result, and the response that becomes.

use http_toolkit::Response;
use http_toolkit::problem::Problem;

/// A failure of the database or of the way to it. The text is for the log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A component variable is missing, or its provider failed.
    #[error("cannot read the variable {0}")]
    Variable(&'static str),
    /// A component variable is not a list of networks.
    #[error("the variable {0} is malformed; fix: networks separated by commas, such as 10.42.0.0/16,fd00::/8")]
    Networks(&'static str),
    /// There is no connection. The cause is one of a fixed set of phrases, because the host's text may quote the
    /// address.
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
    /// The result lacks the expected columns: schema and component versions do not match.
    #[error("the result of {0:?} lacks the expected columns")]
    Shape(&'static str),
    /// Readiness: the schema lacks these functions, or this role may not call them.
    #[error("this role cannot call {0}")]
    Lacking(String),
    /// Readiness: no operation can be done.
    #[error("not ready")]
    NotReady(#[source] Box<Error>),
}

/// Why no operation can be done though the database answers, in the words of its function `database_ready`.
const OBSTACLES: [&str; 4] = ["read-only", "in recovery", "no space", "wrong encoding"];

/// The innermost reason, in words of the host or the database, free of secrets.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Cause(pub String);

impl Error {
    /// The same as the answer to a readiness check.
    pub fn not_ready(self) -> Self {
        Self::NotReady(Box::new(self))
    }

    /// 503, and when to try again; nothing about the inside.
    pub fn response(&self, request_id: &str) -> Response<'static> {
        match self {
            Self::NotReady(cause) => Response::new(503)
                .text([cause.check(), ": ", cause.obstacle(), "\n"].concat())
                .header("cache-control", "no-store")
                .header("retry-after", "1"),
            Self::Networks(_) => {
                Problem::new(503, "The service is configured wrongly; nothing was done.").response(request_id)
            }
            _ => unavailable().response(request_id),
        }
    }

    /// What of readiness failed.
    fn check(&self) -> &'static str {
        if matches!(self, Self::Networks(_)) { "variables" } else { "database" }
    }

    /// What an operator has to look for, without anything about the inside.
    fn obstacle(&self) -> &'static str {
        match self {
            Self::Variable(_) | Self::Connect(_) => "unreachable",
            Self::Networks(_) => "malformed",
            Self::Lacking(_) => "wrong schema",
            // Class 42: a name is not known, or may not be used.
            Self::Statement { code: Some(code), .. } if code.starts_with("42") => "wrong schema",
            Self::Statement { cause: Cause(text), .. } => {
                let reason = text.split_once("not ready: ").map_or("", |(_, reason)| reason);
                OBSTACLES.into_iter().find(|known| reason.starts_with(known)).unwrap_or("failing")
            }
            Self::Shape(_) | Self::NotReady(_) => "failing",
        }
    }

    /// Whether the database refused the values themselves (SQLSTATE class 22 or 23), so that a second attempt is
    /// futile.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Statement { code: Some(code), .. } if code.starts_with("22") || code.starts_with("23"))
    }
}

fn unavailable() -> Problem {
    Problem::new(503, "The database did not answer. Whether the request took effect is unknown; try again.")
}

#[cfg(test)]
mod tests {
    use http_toolkit::causes;

    use super::*;

    fn statement(code: Option<&str>) -> Error {
        Error::Statement {
            statement: "SELECT 1",
            code: code.map(str::to_owned),
            cause: Cause("canceling statement due to statement timeout".to_owned()),
        }
    }

    #[test]
    fn the_log_names_the_statement_and_its_cause_and_the_client_learns_neither() {
        let text = causes(&statement(None));
        assert_eq!(text, r#"the database failed "SELECT 1": canceling statement due to statement timeout"#);
        let document = unavailable().document("r");
        assert!(!document.contains("SELECT") && !document.contains("timeout"), "{document}");
    }

    #[test]
    fn every_error_is_a_503() {
        for error in [
            Error::Variable("db_url"),
            Error::Networks("trusted_proxies"),
            Error::Connect(Cause(String::new())),
            statement(None),
            Error::Shape(""),
            Error::Lacking(String::new()),
        ] {
            assert_eq!(error.response("r").status(), 503, "{error}");
            assert_eq!(error.not_ready().response("r").status(), 503);
        }
    }

    #[test]
    fn an_obstacle_is_named_whatever_the_host_makes_of_the_error() {
        let failed = |code: Option<&str>, text: &str| Error::Statement {
            statement: "SELECT items_ready()",
            code: code.map(str::to_owned),
            cause: Cause(text.to_owned()),
        };
        for (error, obstacle) in [
            (failed(None, "db error: ERROR: not ready: read-only"), "read-only"),
            (failed(Some("25006"), "not ready: in recovery"), "in recovery"),
            (failed(None, "ERREUR: not ready: no space"), "no space"),
            (failed(None, "not ready: anything else"), "failing"),
            (failed(Some("42883"), "function items_ready() does not exist"), "wrong schema"),
            (Error::Lacking("items_get".to_owned()), "wrong schema"),
            (statement(None), "failing"),
            (Error::Connect(Cause("Connection refused".to_owned())), "unreachable"),
        ] {
            assert_eq!(error.obstacle(), obstacle, "{error:?}");
        }
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
