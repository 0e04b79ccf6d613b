use std::io::{self, Write};
use std::net::SocketAddr;

use host::{Line, Source};

use crate::Address;
use crate::config::Plan;
use crate::readiness::REQUEST_ID;

/// Prints where everything is, and commands to try.
pub(crate) fn greet(plan: &Plan, listen: SocketAddr, admin: &Address, metrics: SocketAddr) {
    let url = format!("http://{listen}");
    let psql = if plan.database.is_some() {
        "psql \"$DATABASE_URL\"".to_owned()
    } else {
        let Address { host, port, user, database, .. } = admin;
        format!("PGPASSFILE={} psql -h {host} -p {port} -U {user} {database}", plan.pgpass().display())
    };
    say(&format!(
        "items answers on {url}

  Create:  curl -i {url}/items -H 'content-type: application/json' -d '{{\"name\": \"first\"}}'
  List:    curl {url}/items
  Audit:   {psql} -c 'SELECT * FROM audit_logs ORDER BY created_at DESC LIMIT 5'
  Metrics: curl http://{metrics}/metrics

Ctrl-C stops it.
"
    ));
}

/// Prints a log line of the application, except those of successful readiness checks.
pub(crate) fn show(line: Line) {
    let routine = line.text.contains(REQUEST_ID) && line.text.contains("\"level\":\"info\"");
    match line.source {
        Source::Stdout if routine => {}
        Source::Stdout => say(&line.text),
        Source::Stderr => drop(writeln!(io::stderr(), "{}", line.text)),
        Source::Host => drop(writeln!(io::stderr(), "host: {}: {}", line.component, line.text)),
    }
}

/// Prints a line. A closed standard output is no reason to end, so the error is ignored.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
