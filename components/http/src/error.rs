//! Requests that the toolkit itself refuses, before a handler has done anything.

use crate::json::NotJson;
use crate::problem::Problem;
use crate::response::Response;

/// Why a request was refused. Each is the client's to change; the text is for the log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 404: `detail` is what the client reads.
    #[error("no route has this path")]
    NoRoute { detail: &'static str },
    /// 405: `allow` lists the methods of the path, as the header `Allow` does.
    #[error("the path has no such method")]
    WrongMethod { allow: String },
    /// 400: `header` is a condition that the route does not evaluate. Ignoring it could do what the client wanted to
    /// prevent.
    #[error("{header} is not evaluated here")]
    Condition { header: &'static str },
    /// 400: the body is declared as a part of something.
    #[error("the body is a part")]
    Partial,
    /// 415: the body is declared as something other than JSON.
    #[error("the body is not declared as JSON")]
    MediaType,
    /// 415: the body is declared as compressed.
    #[error("the body has a content coding")]
    Coded,
    /// 413: `limit` is in bytes.
    #[error("the body is larger than {limit} bytes")]
    TooLarge { limit: usize },
    /// 400: the body ended before the length its head announced, or its connection broke.
    #[error("the body was cut short")]
    CutShort,
    /// 408: the body did not arrive within its time.
    #[error("the body took too long to arrive")]
    TooSlow,
    /// 400: the body cannot be read as JSON.
    #[error(transparent)]
    NotJson(#[from] NotJson),
}

impl Error {
    /// The problem document for the client.
    pub fn response(&self, request_id: &str) -> Response<'static> {
        let problem = match self {
            Self::NoRoute { detail } => Problem::new(404, *detail),
            Self::WrongMethod { allow } => Problem::new(405, format!("This path answers {allow}.")),
            Self::Condition { header } => Problem::new(400, format!("{header}: is not evaluated here; leave it out.")),
            Self::Partial => Problem::new(400, "Content-Range: a part cannot be sent; send the whole body without it."),
            Self::MediaType => {
                Problem::new(415, "Content-Type: must be application/json; its only parameter may be charset=utf-8.")
            }
            Self::Coded => Problem::new(415, "Content-Encoding: must be absent; send the body uncompressed."),
            Self::TooLarge { limit } => Problem::new(413, format!("The body may have up to {limit} bytes.")),
            Self::TooSlow => Problem::new(408, "The body took too long to arrive."),
            Self::CutShort => Problem::new(400, "The body ended before its announced length."),
            Self::NotJson(NotJson(reason)) => Problem::new(400, format!("The body is not JSON: {reason}.")),
        };
        let response = problem.response(request_id);
        match self {
            Self::WrongMethod { allow } => response.header("allow", allow.clone()),
            // RFC 9110, section 12.5.3.
            Self::Coded => response.header("accept-encoding", "identity"),
            _ => response,
        }
    }
}

/// `error` and what caused it, outermost first, in one line.
pub fn causes(error: &dyn std::error::Error) -> String {
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

    #[derive(Debug, thiserror::Error)]
    #[error("the request failed")]
    struct Outer(#[source] Error);

    #[test]
    fn causes_are_listed_outermost_first_in_one_line() {
        assert_eq!(causes(&Outer(Error::TooSlow)), "the request failed: the body took too long to arrive");
    }

    #[test]
    fn every_error_has_its_status() {
        for (error, status) in [
            (Error::NoRoute { detail: "" }, 404),
            (Error::WrongMethod { allow: "GET".to_owned() }, 405),
            (Error::TooLarge { limit: 1 }, 413),
            (Error::Condition { header: "If-Match" }, 400),
            (Error::Partial, 400),
            (Error::MediaType, 415),
            (Error::Coded, 415),
            (Error::CutShort, 400),
            (Error::TooSlow, 408),
            (Error::NotJson(NotJson(String::new())), 400),
        ] {
            assert_eq!(error.response("r").status(), status, "{error}");
        }
    }

    #[test]
    fn a_wrong_method_is_answered_with_the_right_ones() {
        let response = Error::WrongMethod { allow: "GET, HEAD, OPTIONS".to_owned() }.response("r");
        assert!(response.headers().contains(&("allow", "GET, HEAD, OPTIONS".into())));
    }
}
