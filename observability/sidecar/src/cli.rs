//! The command line, with an environment variable for each option that a manifest sets.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::config::{Config, Database, Password, Pid, Trail, Watch};

/// The password, unless a file or the URL has it. There is no argument for it: other users can read the arguments of a
/// process.
const PASSWORD: &str = "SIDECAR_DATABASE_PASSWORD";

/// Exposes metrics to Prometheus: from spans received over OTLP, and from totals read from the database.
#[derive(Debug, Parser)]
#[command(name = "sidecar", version, subcommand_negates_reqs = true)]
pub struct Arguments {
    /// What to do instead.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Where to serve /metrics, /livez and /readyz
    #[arg(long, env = "SIDECAR_METRICS_LISTEN", default_value = "127.0.0.1:9464", value_name = "ADDRESS")]
    metrics_listen: SocketAddr,

    /// Where to receive OTLP over HTTP
    #[arg(long, env = "SIDECAR_OTLP_LISTEN", default_value = "127.0.0.1:4318", value_name = "ADDRESS")]
    otlp_listen: SocketAddr,

    /// The database: `postgres://metrics@HOST:PORT/itemsdb?sslmode=verify-full&sslrootcert=FILE`
    #[arg(long, env = "SIDECAR_DATABASE_URL", hide_env_values = true, value_name = "URL", required = true)]
    database_url: Option<String>,

    /// File with the password of the database role, read for each connection; default: SIDECAR_DATABASE_PASSWORD
    #[arg(long, env = "SIDECAR_DATABASE_PASSWORD_FILE", value_name = "FILE")]
    database_password_file: Option<PathBuf>,

    /// How long one reading of the database may take
    #[arg(long, env = "SIDECAR_DATABASE_TIMEOUT", default_value = "2", value_name = "SECONDS", value_parser = seconds)]
    database_timeout: Duration,

    /// Another OTLP receiver to pass every export on to, unchanged: `http://HOST:PORT`
    #[arg(long, env = "FORWARD_OTLP_URL", value_name = "URL")]
    forward_otlp_url: Option<String>,

    /// File with the key that signs the heads of the audit trail, 64 hexadecimal digits; default: they are not signed
    #[arg(long, env = "SIDECAR_AUDIT_KEY_FILE", value_name = "FILE", requires = "audit_folder")]
    audit_key_file: Option<PathBuf>,

    /// Folder that keeps the last signed head of the audit trail
    #[arg(long, env = "SIDECAR_AUDIT_FOLDER", value_name = "FOLDER")]
    audit_folder: Option<PathBuf>,

    /// Whose audit trail it is, in every checkpoint
    #[arg(long, env = "SIDECAR_AUDIT_ORIGIN", default_value = "items/audit", value_name = "NAME", value_parser = origin)]
    audit_origin: String,

    /// How often to sign the head of the audit trail, if it has grown
    #[arg(long, env = "SIDECAR_AUDIT_EVERY", default_value = "60", value_name = "SECONDS", value_parser = seconds)]
    audit_every: Duration,

    /// A process to watch: its id, or a file that begins with it; may be repeated
    #[arg(long, value_name = "NAME=PID|FILE", value_parser = watch)]
    watch: Vec<Watch>,

    /// A process to watch together with its children, such as a PostgreSQL server by its postmaster.pid; may be
    /// repeated
    #[arg(long, value_name = "NAME=PID|FILE", value_parser = watch)]
    watch_with_children: Vec<Watch>,

    /// Stop when standard input ends: the sidecar then ends with its parent, even a killed one
    #[arg(long)]
    pub end_with_stdin: bool,
}

/// What the program can do besides.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Verifies an audit trail against checkpoints that were kept
    Verify {
        /// The database, as a role that may read audit_logs
        #[arg(long, env = "SIDECAR_DATABASE_URL", hide_env_values = true, value_name = "URL")]
        dbname: String,
        /// The public key, or a file with one in each line
        key: String,
        /// A file or a folder with checkpoints, as they are or in log lines
        heads: PathBuf,
    },
}

impl From<Arguments> for Config {
    fn from(arguments: Arguments) -> Self {
        let password = match arguments.database_password_file {
            Some(file) => Password::File(file),
            None => std::env::var(PASSWORD).map_or(Password::Url, Password::Text),
        };
        let (origin, every) = (arguments.audit_origin, arguments.audit_every);
        let trail = arguments.audit_key_file.zip(arguments.audit_folder);
        let groups = arguments.watch_with_children.into_iter().map(|watch| Watch { children: true, ..watch });
        Self {
            metrics: arguments.metrics_listen,
            otlp: arguments.otlp_listen,
            database: Database { url: arguments.database_url.unwrap_or_default(), password },
            database_timeout: arguments.database_timeout,
            // Manifests set the variable to an empty string for no forwarding.
            forward: arguments.forward_otlp_url.filter(|url| !url.is_empty()),
            watch: arguments.watch.into_iter().chain(groups).collect(),
            trail: trail.map(|(key, folder)| Trail { key, folder, origin, every }),
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("not a duration above zero".into()),
    }
}

/// The name of a key in a note has neither a space nor a plus sign.
fn origin(text: &str) -> Result<String, &'static str> {
    let named = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+');
    if named { Ok(text.to_owned()) } else { Err("empty, or with a space or a +") }
}

fn watch(text: &str) -> Result<Watch, String> {
    match text.split_once('=') {
        Some((name, pid)) if !name.is_empty() && !pid.is_empty() => Ok(Watch {
            name: name.into(),
            pid: pid.parse().map_or_else(|_| Pid::File(pid.into()), Pid::Number),
            children: false,
        }),
        _ => Err("not NAME=PID or NAME=FILE".into()),
    }
}
