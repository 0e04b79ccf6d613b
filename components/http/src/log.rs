//! Log lines: one JSON object each, written to standard output, where the host collects them.

use wasi::cli::stdout::get_stdout;

use crate::clock;
use crate::json::{Object, quoted};
use crate::request::Request;

/// The most bytes that `blocking-write-and-flush` accepts in one call.
const WRITE_SIZE: usize = 4096;

/// The severity of a line.
#[derive(Debug, Clone, Copy)]
pub enum Level {
    Info,
    Warn,
    Error,
}

/// One line. Members appear in the order they were added, after `ts`, `level`, `component` and `msg`.
#[must_use = "a line is written by print"]
pub struct Line(Object);

impl Line {
    /// A line of now.
    pub fn new(level: Level, component: &str, message: &str) -> Self {
        Self::at(&clock::timestamp(), level, component, message)
    }

    fn at(timestamp: &str, level: Level, component: &str, message: &str) -> Self {
        let level = match level {
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        };
        Self(
            Object::default()
                .text("ts", timestamp)
                .text("level", level)
                .text("component", component)
                .text("msg", message),
        )
    }

    /// Adds a string.
    pub fn text(self, key: &'static str, value: &str) -> Self {
        Self(self.0.text(key, value))
    }

    /// Adds a string, or `null`.
    pub fn optional(self, key: &'static str, value: Option<&str>) -> Self {
        Self(self.0.optional(key, value))
    }

    /// Adds a number, given as its digits.
    pub fn number(self, key: &'static str, digits: &str) -> Self {
        Self(self.0.raw(key, digits))
    }

    /// Adds an error with its causes, cut to a length that keeps the line within one write of the host (4 096 bytes).
    pub fn error(self, causes: &str) -> Self {
        let end = causes.char_indices().nth(500).map_or(causes.len(), |(end, _)| end);
        Self(self.0.raw("error", &quoted(&causes[..end])))
    }

    /// The line as text, with its line break.
    #[inline]
    pub fn finish(self) -> String {
        self.0.finish() + "\n"
    }

    /// Writes the line in one call, so that lines of concurrent instances do not mix. A closed output is ignored.
    ///
    /// Not through `std`: for its first byte the WASI 0.1 adapter would set up its whole table of files.
    pub fn print(self) {
        let out = get_stdout();
        for part in self.finish().as_bytes().chunks(WRITE_SIZE) {
            _ = out.blocking_write_and_flush(part);
        }
    }
}

/// Writes the one line about a request. `route` is a template, never a path, which would be unbounded; `failure` is an
/// error with its causes, where the request failed for a reason that is not only the client's.
pub fn request(component: &str, request: &Request, route: &str, status: u16, failure: Option<&str>) {
    let (level, message) = match failure {
        _ if status >= 500 => (Level::Error, "failed"),
        Some(_) if status < 300 => (Level::Warn, "cut short"),
        Some(_) => (Level::Warn, "refused"),
        None => (Level::Info, "answered"),
    };
    let line = Line::new(level, component, message)
        .text("request_id", &request.context.request_id)
        .optional("trace_id", request.context.trace_id.as_deref())
        .text("method", request.method.name())
        .text("route", route)
        .number("status", &status.to_string())
        .number("duration_ms", &clock::milliseconds(request.elapsed()));
    match failure {
        Some(causes) => line.error(causes).print(),
        None => line.print(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;

    #[test]
    fn a_line_is_one_json_object_in_order() {
        let line = Line::at("2026-11-21T10:00:00.000Z", Level::Error, "items", "answered")
            .text("request_id", "r-1")
            .optional("trace_id", None)
            .number("status", "503")
            .number("duration_ms", "1.234")
            .error("no\nbreak: \"quoted\"")
            .finish();
        assert_eq!(
            line,
            "{\"ts\":\"2026-11-21T10:00:00.000Z\",\"level\":\"error\",\"component\":\"items\",\"msg\":\"answered\",\
             \"request_id\":\"r-1\",\"trace_id\":null,\"status\":503,\"duration_ms\":1.234,\
             \"error\":\"no\\nbreak: \\\"quoted\\\"\"}\n"
        );
    }

    #[test]
    fn a_line_fits_one_write_whatever_the_cause() {
        let line = Line::new(Level::Warn, "items", "x").error(&"\u{1}".repeat(10_000)).finish();
        assert!(line.len() < 4_096, "{} bytes", line.len());
        assert!(Json::parse(line.as_bytes()).is_ok());
    }
}
