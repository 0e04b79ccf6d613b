//! The database that all measured systems share, and its rate without them.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use stack::{Address, Database, Passwords, Role, Server};
use tokio::process::Command;
use tokio_postgres::{Client, NoTls};

use crate::load::Workload;
use crate::table::{self, Table};
use crate::{pgbench, usage};

/// Items in the database during each measurement of [`crate::measure`].
pub const ITEMS: i64 = 100_000;
/// Whether an event is left in the outbox.
const EVENTS: &str = "SELECT count(*) FROM (SELECT FROM audit_outbox LIMIT 1) o";

/// A database on a durable server of its own.
pub struct Filled {
    server: Arc<Server>,
    passwords: Passwords,
    pub database: Database,
    client: Client,
}

impl Filled {
    /// Starts the server in `folder`, with an empty database.
    pub async fn start(folder: &Path, schema: &Path, settings: Vec<String>) -> anyhow::Result<Self> {
        let server = Server::start(folder, 0, Vec::new(), settings).await?;
        Self::prepare(Arc::new(server), Passwords::random(), "itemsdb", schema).await
    }

    /// Creates another database on the same server.
    pub async fn beside(&self, name: &str, schema: &Path) -> anyhow::Result<Self> {
        Self::prepare(self.server.clone(), self.passwords.clone(), name, schema).await
    }

    async fn prepare(server: Arc<Server>, passwords: Passwords, name: &str, schema: &Path) -> anyhow::Result<Self> {
        let admin = server.address().with_database(name);
        let database = Database::prepare(&admin, schema, &passwords).await?;
        let client = connect(&admin).await?;
        Ok(Self { server, passwords, database, client })
    }

    /// Replaces its content by `count` items and as many events in the trail.
    pub async fn fill(&self, count: i64) -> anyhow::Result<()> {
        // Indexes are created afterwards: updating them row by row takes ten times as long.
        let indexes =
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'audit_logs' AND indexname NOT LIKE '%_pkey'
                        AND indexname NOT LIKE '%_key'";
        let indexes = self.client.query(indexes, &[]).await?;
        let mut statements = vec![
            "TRUNCATE items, audit_outbox RESTART IDENTITY".to_owned(),
            "ALTER TABLE audit_logs DISABLE TRIGGER USER".to_owned(),
            "TRUNCATE audit_logs".to_owned(),
            "ALTER TABLE audit_logs ENABLE TRIGGER USER".to_owned(),
            "ALTER TABLE audit_logs DROP CONSTRAINT audit_logs_event_id_key".to_owned(),
        ];
        statements.extend(indexes.iter().map(|row| format!("DROP INDEX {}", row.get::<_, String>(0))));
        statements.push(format!(
            "INSERT INTO items (name, description, created_at, updated_at)
             SELECT 'bolt ' || n, 'zinc plated, ' || n || ' of many, sold by the hundred', now(), now() FROM generate_series(1, {count}) n"
        ));
        statements.push(format!(
            "INSERT INTO audit_logs (event_id, action, outcome, item_id, request_id, created_at, stored_at, details)
             SELECT gen_random_uuid(), 'get', 'ok', n, gen_random_uuid(), now(), now(), '{{\"items\": 1}}' FROM generate_series(1, {count}) n"
        ));
        statements.push("ALTER TABLE audit_logs ADD CONSTRAINT audit_logs_event_id_key UNIQUE (event_id)".to_owned());
        statements.extend(indexes.iter().map(|row| row.get(1)));
        statements.extend([
            "VACUUM ANALYZE items".to_owned(),
            "CREATE EXTENSION IF NOT EXISTS pg_prewarm".to_owned(),
            "SELECT pg_prewarm('items'), pg_prewarm('items_pkey')".to_owned(),
            "VACUUM ANALYZE audit_logs".to_owned(),
            "CHECKPOINT".to_owned(),
        ]);
        for statement in statements {
            self.client.batch_execute(&statement).await?;
        }
        Ok(())
    }

    /// Opens a transaction that keeps a snapshot of this moment; it ends when the client is dropped.
    pub async fn hold_snapshot(&self) -> anyhow::Result<Client> {
        let client = connect(self.database.admin()).await?;
        client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM relay_lease").await?;
        Ok(client)
    }

    /// The version of PostgreSQL.
    pub async fn version(&self) -> anyhow::Result<String> {
        Ok(self.client.query_one("SELECT current_setting('server_version')", &[]).await?.get(0))
    }

    /// Processor time that the server has used.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        let file = self.server.data().join("postmaster.pid");
        let text = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        Ok(usage::cpu(text.lines().next().unwrap_or_default().parse()?))
    }

    /// Puts `count` events into the outbox, and nobody has the lease.
    pub async fn fill_outbox(&self, count: i64) -> anyhow::Result<()> {
        let events = format!(
            "INSERT INTO audit_outbox (event_id, action, outcome, item_id, request_id, client_addr, details)
             SELECT gen_random_uuid(), 'get', 'ok', n, gen_random_uuid(), '127.0.0.1', '{{\"items\": 1}}' FROM generate_series(1, {count}) n"
        );
        for statement in [&*events, "UPDATE relay_lease SET holder = NULL, held_until = '-infinity'"] {
            self.client.batch_execute(statement).await?;
        }
        Ok(())
    }

    /// Waits until no event is left in the outbox.
    pub async fn drained(&self) -> anyhow::Result<()> {
        self.until_none(EVENTS, 1).await.context("events have waited for over a minute")
    }

    /// Waits until the system has finished what an earlier load began: no event is left and no session works.
    pub async fn settled(&self) -> anyhow::Result<()> {
        let work = format!(
            "SELECT ({EVENTS}) + (SELECT count(*) FROM pg_stat_activity
                                   WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid())"
        );
        self.until_none(&work, 5).await.context("the system has worked for over a minute")
    }

    /// Waits until `query` has counted nothing so many `times` in a row.
    async fn until_none(&self, query: &str, times: usize) -> anyhow::Result<()> {
        let none = async {
            let mut found = 0;
            while found < times {
                found = if self.count(query).await? == 0 { found + 1 } else { 0 };
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Ok(())
        };
        tokio::time::timeout(Duration::from_secs(60), none).await?
    }

    /// What the trail has of the operations after the event `last`.
    pub async fn trail(&self, last: i64) -> anyhow::Result<Trail> {
        let query = "SELECT count(*), count(*) FILTER (WHERE action = 'create' AND outcome = 'ok'),
                    coalesce(percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (
                        ORDER BY extract(epoch FROM stored_at - created_at)::float8), '{0, 0}')
               FROM audit_logs WHERE id > $1";
        let row = self.client.query_one(query, &[&last]).await?;
        let (events, delays): (i64, Vec<f64>) = (row.get(0), row.get(2));
        let delay = |index: usize| Duration::from_secs_f64(delays.get(index).copied().unwrap_or_default().max(0.0));
        Ok(Trail { events: events.try_into()?, created: row.get(1), p50: delay(0), p99: delay(1) })
    }

    /// How many items the systems have created since [`Filled::tidy`].
    pub async fn created(&self) -> anyhow::Result<i64> {
        self.count(&format!("SELECT count(*) FROM items WHERE id > {ITEMS}")).await
    }

    /// The id of the last event in the trail.
    pub async fn last_event(&self) -> anyhow::Result<i64> {
        self.count("SELECT coalesce(max(id), 0) FROM audit_logs").await
    }

    /// Removes the items that a system has created, and dead rows.
    pub async fn tidy(&self) -> anyhow::Result<()> {
        for statement in [
            &*format!("DELETE FROM items WHERE id > {ITEMS}"),
            "VACUUM items",
            "VACUUM audit_outbox",
            "VACUUM audit_logs",
            "CHECKPOINT",
        ] {
            self.client.batch_execute(statement).await?;
        }
        Ok(())
    }

    /// Measures the statement of a workload without any system: pgbench with as many sessions as a system has.
    pub async fn limit(
        &self,
        workload: Workload,
        connections: usize,
        time: Duration,
        table: &mut Table,
    ) -> anyhow::Result<()> {
        let script = tempfile::NamedTempFile::new()?;
        std::fs::write(&script, pgbench::script(workload))?;
        let Address { host, port, user, password, database, .. } = self.database.address(Role::Items);
        let before = self.cpu()?;
        let output = Command::new(pgbench::program())
            .args(["-n", "-M", "prepared", "-j1", "-c", &connections.min(pgbench::SESSIONS).to_string()])
            // Its time includes that of opening the sessions, its rate does not.
            .args(["-T", &(time.as_secs() + connections as u64 / 32).to_string(), "-f"])
            .arg(script.path())
            .args(["-h", &host, "-p", &port.to_string(), "-U", &user, &database])
            .envs(password.iter().map(|password| ("PGPASSWORD", password)))
            .stderr(Stdio::null())
            .output()
            .await
            .context("cannot run pgbench; fix: scripts/install-packages.sh postgresql")?;
        ensure!(output.status.success(), "pgbench failed: {}", output.status);
        let spent = self.cpu()?.saturating_sub(before);
        // No relay runs that would remove these events.
        self.client.batch_execute("DELETE FROM audit_outbox").await?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let found = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.split(' ').next()?.parse().ok());
        let (rate, count): (Option<f64>, Option<f64>) =
            (found("tps = "), found("number of transactions actually processed: "));
        let (rate, count) = rate.zip(count).with_context(|| format!("pgbench printed {text}"))?;
        let row = table::row(workload.name(), connections);
        table.add(pgbench::NAME, &row, "rate", rate);
        table.add(pgbench::NAME, &row, "PostgreSQL µs", spent.as_secs_f64() * 1e6 / count);
        Ok(())
    }

    async fn count(&self, query: &str) -> anyhow::Result<i64> {
        Ok(self.client.query_one(query, &[]).await?.get(0))
    }
}

async fn connect(address: &Address) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(&address.url(), NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// What the trail has of a number of operations.
pub struct Trail {
    pub events: u64,
    /// Events of creates.
    pub created: i64,
    /// Median and 99th percentile of the time from an operation to its row in the trail.
    pub p50: Duration,
    pub p99: Duration,
}
