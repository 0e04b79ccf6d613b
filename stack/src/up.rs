//! `make up`: the whole stack in the foreground, from nothing to the last process stopped.

use std::fs;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use host::{Log, Source};

use crate::files::write_private;
use crate::sidecar::{self, Sidecar};
use crate::stack::POLL_ID;
use crate::{Address, Database, Error, Passwords, Server, Stack, stack};

/// A server that ends more often than this within a minute is not started again.
const RESTARTS: usize = 5;

/// What a person can choose.
#[derive(clap::Args, Clone, Debug)]
pub struct Up {
    /// The application's manifest
    #[arg(long, short, default_value = "spin.toml")]
    pub from: PathBuf,
    /// Where the application listens
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where the sidecar serves metrics
    #[arg(long, env = "METRICS_LISTEN", default_value = "127.0.0.1:9464")]
    pub metrics_listen: SocketAddr,
    /// Where the sidecar receives spans
    #[arg(long, env = "OTLP_LISTEN", default_value = "127.0.0.1:4318")]
    pub otlp_listen: SocketAddr,
    /// PostgreSQL to use instead of a server of its own: postgres://USER:PASSWORD@HOST:PORT/DATABASE; the database is made if missing
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Port of the server of its own; 0 is a free one
    #[arg(long, env = "DB_PORT", default_value_t = 15432)]
    pub db_port: u16,
    /// Where the server of its own keeps its data, and the stack its passwords; beside it, `.env` gets the variables for `spin up`
    #[arg(long, default_value = ".data")]
    pub data: PathBuf,
}

/// Runs the stack until `stop` completes, then stops all of it, in order.
///
/// # Errors
/// Whatever keeps the stack from starting or running; everything that was started is stopped by then.
pub async fn run(options: Up, stop: impl Future<Output = ()>) -> Result<(), Error> {
    tokio::pin!(stop);
    // Said at once, and not after a database was started for nothing.
    let addresses =
        [("LISTEN", options.listen), ("METRICS_LISTEN", options.metrics_listen), ("OTLP_LISTEN", options.otlp_listen)];
    for (variable, address) in addresses {
        if TcpListener::bind(address).is_err_and(|e| e.kind() == io::ErrorKind::AddrInUse) {
            return Err(Error::in_use(variable, address));
        }
    }
    let starting = start(&options);
    let (mut server, sidecar, stack) = tokio::select! {
        started = starting => started?,
        () = &mut stop => return Ok(()),
    };
    greet(&options, &stack, &sidecar);
    let outcome = match &mut server {
        Some(server) => tokio::select! {
            error = supervise(server) => Err(error),
            () = stop => Ok(()),
        },
        None => {
            stop.await;
            Ok(())
        }
    };
    say("\nStopping …");
    stack.shutdown().await;
    // After the host, whose last spans it gets, and before the database, which it may be reading.
    sidecar.stop().await;
    if let Some(server) = server {
        server.stop().await;
    }
    outcome
}

async fn start(options: &Up) -> Result<(Option<Server>, Sidecar, Stack), Error> {
    let manifest = if options.from.is_dir() { options.from.join("spin.toml") } else { options.from.clone() };
    if !manifest.exists() {
        return Err(Error::NoManifest(manifest));
    }
    fs::create_dir_all(&options.data).map_err(Error::file("make the folder", &options.data))?;
    let passwords = Passwords::kept(&options.data.join("passwords"))?;
    let (server, mut admin) = match &options.database_url {
        Some(url) => (None, Address::parse(url)?),
        None => {
            let server = Server::start(&options.data.join("postgres"), options.db_port).await?;
            say(&format!(
                "PostgreSQL runs on 127.0.0.1:{}, data in {}",
                server.address().port,
                server.folder().display()
            ));
            let admin = server.address().with_database("itemsdb");
            (Some(server), admin)
        }
    };
    if admin.sslmode() == "require" {
        return Err(Error::Url("asks for TLS, which the embedded host does not speak (Spin does)".into()));
    }
    if server.is_none() && admin.password.is_none() {
        admin.password = std::env::var("PGPASSWORD").ok();
    }
    let schema = manifest.parent().unwrap_or(Path::new("")).join("schema/schema.sql");
    let database = Database::prepare(&admin, &schema, &passwords).await?;
    leave_notes(options, &database)?;
    let sidecar = Sidecar::start(sidecar::Options {
        metrics: options.metrics_listen,
        otlp: options.otlp_listen,
        database: database.clone(),
        server: server.as_ref().map(Server::data),
    });
    let sidecar = sidecar.await?;
    let stack = Stack::start(stack::Options {
        listen: options.listen,
        log: Log::new(show),
        spans: Some(sidecar.spans()),
        ..stack::Options::new(&manifest, database)
    });
    Ok((server, sidecar, stack.await?))
}

/// Starts a server that ends by itself again; returns when that is hopeless.
async fn supervise(server: &mut Server) -> Error {
    let mut starts: Vec<Instant> = Vec::new();
    loop {
        let status = server.ended().await;
        starts.retain(|start| start.elapsed() < Duration::from_secs(60));
        if starts.len() == RESTARTS {
            return Error::Unstable { times: RESTARTS + 1, log: server.folder().join("log") };
        }
        starts.push(Instant::now());
        eprintln!("PostgreSQL ended ({status}); starting it again");
        match server.restart().await {
            Ok(()) => eprintln!("PostgreSQL runs again"),
            Err(error) => return error,
        }
    }
}

/// Files for other programs: a password file for `psql`, variables for `spin up`.
fn leave_notes(options: &Up, database: &Database) -> Result<(), Error> {
    let admin = database.admin();
    if options.database_url.is_none() {
        let file = options.data.join("pgpass");
        let line = format!(
            "{}:{}:*:{}:{}\n",
            admin.host,
            admin.port,
            admin.user,
            admin.password.as_deref().unwrap_or_default()
        );
        write_private(&file, &line).map_err(Error::file("write", &file))?;
    }
    let file = options.data.with_file_name(".env");
    let mut text = String::new();
    let before = match fs::read_to_string(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        before => before.map_err(Error::file("read", &file))?,
    };
    for line in before.lines() {
        let ours = database.variables().iter().any(|(name, _)| line.starts_with(&format!("{}=", variable(name))));
        if !ours {
            text += &format!("{line}\n");
        }
    }
    for (name, value) in database.variables() {
        text += &format!("{}={value}\n", variable(&name));
    }
    write_private(&file, &text).map_err(Error::file("write", &file))
}

fn variable(name: &str) -> String {
    format!("SPIN_VARIABLE_{}", name.to_uppercase())
}

fn greet(options: &Up, stack: &Stack, sidecar: &Sidecar) {
    let url = format!("http://{}", stack.address());
    let admin = stack.database().admin();
    let psql = match options.database_url {
        Some(_) => "psql \"$DATABASE_URL\"".to_owned(),
        None => format!(
            "PGPASSFILE={} psql -h {} -p {} -U {} {}",
            options.data.join("pgpass").display(),
            admin.host,
            admin.port,
            admin.user,
            admin.database
        ),
    };
    say(&format!(
        "items answers on {url}

  Create:  curl -i {url}/items -H 'content-type: application/json' -d '{{\"name\": \"first\"}}'
  List:    curl {url}/items
  Audit:   {psql} -c 'SELECT * FROM audit_logs ORDER BY created_at DESC LIMIT 5'
  Metrics: curl http://{metrics}/metrics

Ctrl-C stops it.
",
        metrics = sidecar.metrics_address()
    ));
}

/// Shows a line of the application, unless it says once a second that all is well.
fn show(line: host::Line) {
    let routine = line.text.contains(POLL_ID) && line.text.contains("\"level\":\"info\"");
    match line.source {
        Source::Stdout if routine => {}
        Source::Stdout => say(&line.text),
        Source::Stderr => drop(writeln!(io::stderr(), "{}", line.text)),
        Source::Host => drop(writeln!(io::stderr(), "host: {}: {}", line.component, line.text)),
    }
}

/// Prints a line; a reader that went away is no reason to end.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
