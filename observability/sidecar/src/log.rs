//! Log lines in the components' format: one JSON object each, with `ts`, `level`, `component`, `msg` and the fields of
//! the event.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Installs the process's logger: to standard output, by default the sidecar's own messages and warnings of its
/// libraries. `RUST_LOG` overrides the filter. To be called once.
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
        let level = event.metadata().level().as_str().to_lowercase();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let (message, rest) = (quoted(&fields.message), fields.rest);
        writeln!(out, r#"{{"ts":"{time}","level":"{level}","component":"sidecar","msg":{message}{rest}}}"#)
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    /// The other fields as JSON members, each preceded by a comma.
    rest: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            // Writing to a string cannot fail.
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
