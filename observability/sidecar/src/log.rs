//! Log lines as the components write them: one JSON object each, `ts`, `level`, `component`, `msg`, then what the event has.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Lines to standard output: warnings of everybody and what the sidecar has to say, or what `RUST_LOG` asks for.
pub fn install() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn,sidecar=info".into());
    tracing_subscriber::fmt().event_format(Line).with_env_filter(filter).with_writer(std::io::stdout).init();
}

struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        let mut fields = Members::default();
        event.record(&mut fields);
        let message = fields.message;
        let rest = fields.rest;
        writeln!(
            out,
            r#"{{"ts":"{time}","level":"{level}","component":"sidecar","msg":{message}{rest}}}"#,
            message = quoted(&message),
        )
    }
}

#[derive(Default)]
struct Members {
    message: String,
    /// Written already, each with a comma before it.
    rest: String,
}

impl Visit for Members {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            // Writing to a string does not fail.
            let _ = write!(self.rest, ",{}:{}", quoted(field.name()), quoted(value));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
