//! The database of one test.

use std::fmt::Debug;
use std::sync::Mutex as SyncMutex;
use std::time::Duration;

use sqlx::postgres::{PgPoolOptions, Postgres};
use sqlx::{AssertSqlSafe, Decode, PgPool, Type};
use stack::{Address, Database, Role};
use tokio::process::Command;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::block_in_place;

use crate::manifest::schema;
use crate::{SOON, eventually, postgres};

/// Roles belong to the whole server, and two sessions that alter one role at once fail.
static APPLYING: Mutex<()> = Mutex::const_new(());

/// A database with the schema in it. Dropping it removes the database.
pub struct TestDatabase {
    database: Database,
    superuser: PgPool,
    roles: SyncMutex<Vec<PgPool>>,
}

/// A type that a column can have.
pub trait Column: Send + Unpin + Debug + PartialEq + for<'r> Decode<'r, Postgres> + Type<Postgres> {}

impl<T: Send + Unpin + Debug + PartialEq + for<'r> Decode<'r, Postgres> + Type<Postgres>> Column for T {}

impl TestDatabase {
    /// Creates a copy of the template.
    pub async fn create() -> TestDatabase {
        let database = postgres::database().await;
        let superuser = pool(database.admin());
        TestDatabase { database, superuser, roles: SyncMutex::default() }
    }

    /// Connections of the superuser.
    pub fn superuser(&self) -> &PgPool {
        &self.superuser
    }

    /// Connections of one of the application's roles.
    pub fn role(&self, role: Role) -> PgPool {
        let pool = pool(&self.database.address(role));
        self.roles.lock().expect("the roles' pools").push(pool.clone());
        pool
    }

    /// The address for one of the application's roles, password included.
    pub fn url(&self, role: Role) -> String {
        self.database.address(role).url()
    }

    /// The variables that lead the application to this database.
    pub fn variables(&self) -> Vec<(String, String)> {
        self.database.variables()
    }

    /// Applies the schema again, as an operator would. Roles keep their passwords.
    pub async fn apply_schema(&self) {
        self.apply_schema_to(&self.database.admin().database).await;
    }

    /// Applies the schema to another database of the server.
    pub async fn apply_schema_to(&self, database: &str) {
        let _alone = APPLYING.lock().await;
        self.psql(|psql| psql.args(["-d", database, "-f"]).arg(schema())).await;
    }

    /// Applies the schema with the step that follows a restore.
    pub async fn apply_schema_after_a_restore(&self) {
        let _alone = APPLYING.lock().await;
        self.psql(|psql| psql.env("DATABASE_RESTORED", "yes").arg("-f").arg(schema())).await;
    }

    /// Runs psql as the superuser and returns what it wrote to stderr, where the server's messages go.
    pub async fn psql(&self, arguments: impl FnOnce(&mut Command) -> &mut Command) -> String {
        let Address { host, port, user, password, database, .. } = self.database.admin();
        let mut psql = Command::new("psql");
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1"])
            .envs([("PGHOST", host), ("PGPORT", &port.to_string()), ("PGUSER", user), ("PGDATABASE", database)])
            .envs(password.iter().map(|password| ("PGPASSWORD", password)));
        let output = arguments(&mut psql).output().await.expect("run psql");
        let messages = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{messages}");
        messages
    }

    /// Runs a statement as the superuser and returns the number of rows.
    pub async fn run(&self, statement: &str) -> u64 {
        let done = sqlx::query(AssertSqlSafe(statement)).execute(&self.superuser).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}")).rows_affected()
    }

    /// The first column of every row, read as the superuser.
    pub async fn values<T: Column>(&self, query: &str) -> Vec<T> {
        let rows = sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(&self.superuser).await;
        rows.unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// The value of a query with one row and one column, read as the superuser.
    pub async fn value<T: Column>(&self, query: &str) -> T {
        let mut values = self.values(query).await;
        assert_eq!(values.len(), 1, "{query}: {values:?}");
        values.remove(0)
    }

    /// Waits until a query has the value `expected`.
    pub async fn becomes<T: Column>(&self, query: &str, expected: T) {
        eventually(&format!("{query} is {expected:?}"), SOON, async || match self.value::<T>(query).await {
            value if value == expected => Ok(()),
            value => Err(format!("{value:?}")),
        })
        .await;
    }

    /// The entity tag of a version of any item, with quotes.
    pub async fn tag(&self, version: i64) -> String {
        self.value(&format!("SELECT '\"' || item_tag({version}) || '\"'")).await
    }

    /// How many rows `table` has.
    pub async fn count(&self, table: &str) -> i64 {
        self.value(&format!("SELECT count(*) FROM {table}")).await
    }

    /// Inserts items directly, without an operation, named `item 1` and so on. `description` is an SQL expression.
    pub async fn insert_items(&self, count: usize, description: &str) {
        self.run(&format!(
            "INSERT INTO items (name, description, created_at, updated_at)
             SELECT 'item ' || n, {description}, now(), now() FROM generate_series(1, {count}) AS n"
        ))
        .await;
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        block_in_place(|| {
            Handle::current().block_on(async {
                let roles = std::mem::take(self.roles.get_mut().expect("the roles' pools"));
                for pool in roles.iter().chain([&self.superuser]) {
                    pool.close().await;
                }
                if let Err(error) = self.database.remove().await {
                    eprintln!("a test database is not removed: {error}");
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
