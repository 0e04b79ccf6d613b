//! Problem documents (RFC 9457).

use std::borrow::Cow;

use crate::json::Object;
use crate::response::Response;

/// Why a request was refused, as the client reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    pub status: u16,
    /// What is wrong and what to do about it, for a person.
    pub detail: Cow<'static, str>,
    /// Each wrong field of the body, where fields were wrong.
    pub errors: Vec<FieldError>,
}

/// One wrong field of a body.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldError {
    /// Its name, or `body` for the body as a whole.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
}

/// The most fields that are listed; a body can hold thousands of unknown ones.
const LISTED: usize = 20;

impl Problem {
    /// A problem without a list of fields.
    pub fn new(status: u16, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new() }
    }

    /// The same with a list of fields.
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// The document. Its `type` is `about:blank` (RFC 9457, section 4.2.1): status and detail say it all.
    pub fn document(&self, request_id: &str) -> String {
        let document = Object::default()
            .text("type", "about:blank")
            .text("title", title(self.status))
            .raw("status", &self.status.to_string())
            .text("detail", &self.detail)
            .text("request_id", request_id);
        if self.errors.is_empty() {
            return document.finish();
        }
        let mut errors = String::new();
        for error in self.errors.iter().take(LISTED) {
            errors.push(if errors.is_empty() { '[' } else { ',' });
            errors += &Object::default().text("field", &error.field).text("detail", &error.detail).finish();
        }
        document.raw("errors", &(errors + "]")).finish()
    }

    /// The response, which no cache may store. A 503 carries `Retry-After`.
    pub fn response(&self, request_id: &str) -> Response<'static> {
        let response = Response::new(self.status)
            .body("application/problem+json", self.document(request_id).into_bytes())
            .header("cache-control", "no-store");
        if self.status == 503 { response.header("retry-after", "1") } else { response }
    }
}

/// The status phrase of RFC 9110, which is the title of an `about:blank` problem.
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_the_members_of_rfc_9457() {
        assert_eq!(
            Problem::new(404, "No item 7.").document("r-1"),
            r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"No item 7.","request_id":"r-1"}"#
        );
    }

    #[test]
    fn wrong_fields_are_listed_up_to_a_bound() {
        let errors =
            (0..50).map(|n| FieldError { field: format!("f{n}"), detail: "is not known".to_owned() }).collect();
        let document = Problem::new(422, "No.").with_errors(errors).document("r-1");
        assert!(document.contains(r#""errors":[{"field":"f0","detail":"is not known"},"#), "{document}");
        assert_eq!(document.matches("\"field\"").count(), LISTED);
    }

    #[test]
    fn only_a_503_carries_retry_after() {
        assert!(Problem::new(503, "").response("r").headers().iter().any(|(name, _)| *name == "retry-after"));
        assert!(!Problem::new(404, "").response("r").headers().iter().any(|(name, _)| *name == "retry-after"));
    }
}
