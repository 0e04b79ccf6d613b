//! A database per test, a sidecar before it, and what one says to both.

pub mod http;
pub mod otlp;

use std::path::Path;
use std::time::{Duration, Instant};

use sidecar::{Options, Password, Sidecar};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use stack::{Passwords, Role, Server};
use tokio::sync::OnceCell;

use self::http::get;

/// How long a test waits for something that should take milliseconds.
pub const SOON: Duration = Duration::from_secs(20);
pub const GRACE: Duration = Duration::from_secs(5);

/// One server for all tests of this process; it ends with the process.
static SERVER: OnceCell<(Server, Passwords)> = OnceCell::const_new();

pub struct Database(stack::Database);

impl Database {
    /// One with the schema and nothing else in it.
    pub async fn new() -> Self {
        let start = || async { (Server::temporary().await.expect("PostgreSQL starts"), Passwords::random()) };
        let (server, passwords) = SERVER.get_or_init(start).await;
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema/schema.sql");
        let template = stack::Database::template(&server.address(), &schema, passwords).await;
        let name = format!("test_{}", unique());
        Self(template.expect("the schema applies").copy(&name).await.expect("a copy"))
    }

    pub fn options(&self) -> Options {
        Options::new(sidecar::Database { url: self.0.address(Role::Metrics).url(), password: Password::Url })
    }

    /// As the superuser.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.0.admin().url()).await.expect("the superuser connects")
    }

    pub async fn run(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connect().await).await.expect(sql);
    }

    /// Cuts everybody's connections to it.
    pub async fn cut(&self) {
        let elsewhere = self.0.admin().with_database("postgres").url();
        let mut connection = PgConnection::connect(&elsewhere).await.expect("the superuser connects");
        let cut = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1";
        let name = &self.0.admin().database;
        sqlx::query(cut).bind(name).execute(&mut connection).await.expect("connections are cut");
    }

    /// Lets nobody connect to it, or lets them again.
    pub async fn allow_connections(&self, allow: bool) {
        let elsewhere = self.0.admin().with_database("postgres").url();
        let mut connection = PgConnection::connect(&elsewhere).await.expect("the superuser connects");
        let sql = format!("ALTER DATABASE {} ALLOW_CONNECTIONS {allow}", self.0.admin().database);
        sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.expect("the database is altered");
    }

    /// Hands every waiting event to audit, as the relay does.
    pub async fn relay(&self) {
        let mut connection = self.connect().await;
        let mut done: Vec<i64> = Vec::new();
        let holder: Option<(String,)> = sqlx::query_as("UPDATE relay_lease SET holder = gen_random_uuid(), held_until = clock_timestamp() + interval '2 s' RETURNING holder::text")
            .fetch_optional(&mut connection).await.expect("the lease is taken");
        let (holder,) = holder.expect("a lease");
        loop {
            let next: (Option<Vec<i64>>, Option<String>) =
                sqlx::query_as("SELECT seqs, events FROM relay_next($1, $2)")
                    .bind(&holder)
                    .bind(&done)
                    .fetch_one(&mut connection)
                    .await
                    .expect("a batch");
            let (Some(seqs), Some(events)) = next else { return };
            sqlx::query("SELECT audit_store($1)")
                .bind(events)
                .execute(&mut connection)
                .await
                .expect("events are stored");
            done = seqs;
        }
    }
}

fn unique() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed).to_string()
}

/// Options for tests that need no database: nobody listens there.
pub fn without_database() -> Options {
    Options::new(sidecar::Database { url: "postgres://metrics@127.0.0.1:1/itemsdb".into(), password: Password::Url })
}

pub async fn start(options: Options) -> Sidecar {
    Sidecar::start(options).await.expect("the sidecar starts")
}

/// What `/metrics` says.
pub struct Scrape(pub String);

impl Scrape {
    pub async fn of(sidecar: &Sidecar) -> Self {
        let answer = get(sidecar.metrics_address(), "/metrics").await;
        assert_eq!(answer.status, 200);
        Self(String::from_utf8(answer.body).expect("metrics are text"))
    }

    /// The lines whose name begins with one of `prefixes`, comments left out.
    pub fn series(&self, prefixes: &[&str]) -> Vec<&str> {
        let wanted = |line: &&str| prefixes.iter().any(|prefix| line.starts_with(prefix));
        self.0.lines().filter(wanted).collect()
    }

    /// The value of the one series that is written `series`.
    pub fn value(&self, series: &str) -> Option<f64> {
        self.0.lines().find_map(|line| {
            let value = line.strip_prefix(series)?.strip_prefix(' ')?;
            value.split(' ').next()?.parse().ok()
        })
    }
}

/// Scrapes until `check` is content with what it sees.
pub async fn eventually(what: &str, sidecar: &Sidecar, check: impl Fn(&Scrape) -> bool) -> Scrape {
    let start = Instant::now();
    loop {
        let scrape = Scrape::of(sidecar).await;
        if check(&scrape) {
            return scrape;
        }
        assert!(start.elapsed() < SOON, "{what}: not within {SOON:?}; last seen:\n{}", scrape.0);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
