//! A database for each test.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use sidecar::Config;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use stack::{Passwords, Role, Server};
use tokio::sync::OnceCell;

use super::config;

/// One server for all tests of this process; it ends with the process.
static SERVER: OnceCell<(Server, Passwords)> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Moves the events of the outbox to the audit trail, as the relay does.
const RELAY: &str = "DO $$
    DECLARE lease text := gen_random_uuid(); batch record;
    BEGIN
        UPDATE relay_lease SET holder = lease::uuid, held_until = clock_timestamp() + interval '2 s';
        SELECT * INTO batch FROM relay_next(lease, '{}');
        PERFORM audit_store(batch.events), relay_next(lease, batch.seqs);
    END $$";

pub struct Database(stack::Database);

impl Database {
    /// An empty database with the schema.
    pub async fn new() -> Self {
        let start = || async { (Server::temporary().await.expect("PostgreSQL starts"), Passwords::random()) };
        let (server, passwords) = SERVER.get_or_init(start).await;
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema/schema.sql");
        let template = stack::Database::template(&server.address(), &schema, passwords).await;
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        Self(template.expect("the schema applies").copy(&name).await.expect("the database is copied"))
    }

    pub fn config(&self) -> Config {
        config(&self.0.address(Role::Metrics).url())
    }

    /// The URL of the role `metrics` without its password, and the password.
    pub fn url_and_password(&self) -> (String, String) {
        let url = self.config().database.url;
        let (user, rest) = url.strip_prefix("postgres://").unwrap().split_once(':').unwrap();
        let (password, rest) = rest.split_once('@').unwrap();
        (format!("postgres://{user}@{rest}"), password.to_owned())
    }

    /// Runs SQL as the superuser.
    pub async fn run(&self, sql: &str) {
        execute(&self.0.admin().url(), sql).await;
    }

    /// The URL of the superuser.
    pub fn admin_url(&self) -> String {
        self.0.admin().url()
    }

    /// The URL of a person who may read the trail, and nothing else.
    pub async fn auditor_url(&self) -> String {
        self.run(
            "DO $$ BEGIN CREATE ROLE jane LOGIN PASSWORD 'p' IN ROLE auditor;
             EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
        )
        .await;
        format!("postgres://jane:p@{}", self.admin_url().rsplit_once('@').unwrap().1)
    }

    /// A text that the superuser reads.
    pub async fn value(&self, sql: &str) -> String {
        let mut connection = PgConnection::connect(&self.admin_url()).await.expect("the superuser connects");
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await.expect(sql)
    }

    pub async fn relay(&self) {
        self.run(RELAY).await;
    }

    /// Ends all connections to the database.
    pub async fn cut(&self) {
        let name = &self.0.admin().database;
        let sql = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname =";
        self.run_elsewhere(&format!("{sql} '{name}'")).await;
    }

    /// Whether the database accepts new connections.
    pub async fn allow_connections(&self, allow: bool) {
        self.run_elsewhere(&format!("ALTER DATABASE {} ALLOW_CONNECTIONS {allow}", self.0.admin().database)).await;
    }

    /// Whether sessions that begin from now on can only read.
    pub async fn read_only(&self, only: bool) {
        let name = &self.0.admin().database;
        self.run_elsewhere(&format!("ALTER DATABASE {name} SET default_transaction_read_only = {only}")).await;
    }

    async fn run_elsewhere(&self, sql: &str) {
        execute(&self.0.admin().with_database("postgres").url(), sql).await;
    }
}

async fn execute(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.expect("the superuser connects");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect(sql);
}
