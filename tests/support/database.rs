//! One database per test, and looks into it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use sqlx::postgres::PgPoolOptions;
use sqlx::{PgPool, Row};
use stack::{Address, Database, Role};
use tokio::process::Command;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::block_in_place;

use crate::manifest::schema;
use crate::postgres;

/// Two sessions that alter one role at once fail, and roles belong to the whole server.
static APPLYING: Mutex<()> = Mutex::const_new(());

/// A database of its own with the schema in it, dropped with this value.
pub struct TestDatabase {
    database: Database,
    look: PgPool,
}

/// A row of `audit_logs`, as far as tests look at it.
#[derive(Debug, Clone, PartialEq)]
pub struct Audited {
    pub action: String,
    pub outcome: String,
    pub item_id: Option<i64>,
    pub request_id: String,
    pub trace_id: Option<String>,
    pub actor: Option<String>,
    pub client_addr: Option<String>,
    pub details: Value,
}

impl TestDatabase {
    /// A fresh copy of the template.
    pub async fn create() -> TestDatabase {
        let database = postgres::database().await;
        let look = pool(database.admin());
        TestDatabase { database, look }
    }

    /// Connections of the superuser, for looking and for arranging.
    pub fn look(&self) -> &PgPool {
        &self.look
    }

    /// Connections of one of the application's roles.
    pub fn role(&self, role: Role) -> PgPool {
        pool(&self.database.address(role))
    }

    /// The address for one of the application's roles, password included.
    pub fn url(&self, role: Role) -> String {
        self.database.address(role).url()
    }

    /// Applies the schema again, as an operator would. Roles keep their passwords.
    pub async fn apply_schema(&self) {
        let _alone = APPLYING.lock().await;
        self.psql(|psql| psql.arg("-f").arg(schema())).await;
    }

    /// Runs psql as the superuser and gives what it wrote to stderr: that is where the server's messages go.
    ///
    /// # Panics
    /// When a statement fails.
    pub async fn psql(&self, arguments: impl FnOnce(&mut Command) -> &mut Command) -> String {
        let Address { host, port, user, password, database, .. } = self.database.admin();
        let mut psql = Command::new("psql");
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1"])
            .envs([("PGHOST", host), ("PGPORT", &port.to_string()), ("PGUSER", user), ("PGDATABASE", database)])
            .envs(password.iter().map(|password| ("PGPASSWORD", password)));
        let output = arguments(&mut psql).output().await.expect("run psql");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{told}");
        told
    }

    /// The variables that lead the application to this database.
    pub fn variables(&self) -> Vec<(String, String)> {
        self.database.variables()
    }

    /// How many rows `table` has.
    pub async fn count(&self, table: &str) -> i64 {
        let query = format!("SELECT count(*) FROM {table}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(query))
            .fetch_one(&self.look)
            .await
            .unwrap_or_else(|error| panic!("count {table}: {error}"))
    }

    /// The trail, in the order in which things happened.
    pub async fn trail(&self) -> Vec<Audited> {
        let query = "SELECT action, outcome, item_id, request_id, trace_id, actor, client_addr, coalesce(details, 'null')::text AS details
                       FROM audit_logs ORDER BY created_at, id";
        let rows = sqlx::query(query).fetch_all(&self.look).await.expect("read audit_logs");
        let row = |row: &sqlx::postgres::PgRow| Audited {
            action: row.get("action"),
            outcome: row.get("outcome"),
            item_id: row.get("item_id"),
            request_id: row.get("request_id"),
            trace_id: row.get("trace_id"),
            actor: row.get("actor"),
            client_addr: row.get("client_addr"),
            details: serde_json::from_str(row.get("details")).expect("details are JSON"),
        };
        rows.iter().map(row).collect()
    }

    /// How often each action and outcome is in the trail, as `"create ok"`.
    pub async fn tally(&self) -> BTreeMap<String, i64> {
        let query = "SELECT action || ' ' || outcome, count(*) FROM audit_logs GROUP BY 1";
        sqlx::query_as(query).fetch_all(&self.look).await.expect("count audit_logs").into_iter().collect()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        block_in_place(|| {
            Handle::current().block_on(async {
                self.look.close().await;
                if let Err(error) = self.database.clone().remove().await {
                    eprintln!("a database of the tests stays: {error}");
                }
            });
        });
    }
}

fn pool(address: &Address) -> PgPool {
    PgPoolOptions::new()
        .max_connections(4)
        .acquire_timeout(Duration::from_secs(10))
        .connect_lazy(&address.url())
        .expect("an address of the database")
}
