use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::psql::{self, Session};
use crate::{Address, Error, Passwords};

/// The advisory lock under which the schema is applied: roles belong to a whole server, and two processes that alter one role at once fail.
const LOCK: i64 = 0x0069_7465_6d73_6462; // "itemsdb"
/// Advisory locks belong to a database: all of us take ours in this one.
const MAINTENANCE: &str = "postgres";

/// The application's roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Items,
    Audit,
    Metrics,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Items, Self::Audit, Self::Metrics];

    /// Its name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Items => "items",
            Self::Audit => "audit",
            Self::Metrics => "metrics",
        }
    }
}

/// One database with the schema applied.
#[derive(Clone)]
pub struct Database {
    admin: Address,
    passwords: Passwords,
}

impl Database {
    /// Makes the database that `admin` names, unless it is there, and brings its schema and the roles up to date.
    ///
    /// `schema` is the script `schema.sql`; `admin` is a role that may create databases and roles.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when no connection comes about, [`Error::Sql`] with PostgreSQL's own words.
    pub async fn prepare(admin: &Address, schema: &Path, passwords: &Passwords) -> Result<Self, Error> {
        let database = Self { admin: admin.clone(), passwords: passwords.clone() };
        let mut session = locked(admin).await?;
        create(&mut session, &admin.database).await?;
        database.apply(schema).await?;
        Ok(database)
    }

    /// A database that others are copied from with [`Database::copy`]; made once per server, schema and passwords.
    ///
    /// # Errors
    /// As for [`Database::prepare`], and [`Error::File`] when the schema cannot be read.
    pub async fn template(admin: &Address, schema: &Path, passwords: &Passwords) -> Result<Self, Error> {
        let name = format!("items_template_{:016x}", fingerprint(schema, passwords)?);
        let draft = format!("{name}_new");
        let mut session = locked(admin).await?;
        let there = session
            .run("list databases", &format!("SELECT 1 FROM pg_database WHERE datname = {};", literal(&name)))
            .await?;
        if there.is_empty() {
            // A draft until it is whole: who dies in between leaves no half a template.
            session.run("drop a database", &format!("DROP DATABASE IF EXISTS {} WITH (FORCE);", quote(&draft))).await?;
            create(&mut session, &draft).await?;
            let made = Self { admin: admin.with_database(&draft), passwords: passwords.clone() };
            made.apply(schema).await?;
            let rename = format!("ALTER DATABASE {} RENAME TO {};", quote(&draft), quote(&name));
            session.run("rename a database", &rename).await?;
        }
        Ok(Self { admin: admin.with_database(&name), passwords: passwords.clone() })
    }

    /// A copy of this database, to which nobody may be connected meanwhile. Rights on the database itself do not travel with it.
    ///
    /// # Errors
    /// As for [`Database::prepare`].
    pub async fn copy(&self, name: &str) -> Result<Self, Error> {
        let mut session = Session::open(&self.admin.with_database(MAINTENANCE))?;
        let sql = format!("CREATE DATABASE {} TEMPLATE {};", quote(name), quote(&self.admin.database));
        session.run("copy a database", &sql).await?;
        Ok(Self { admin: self.admin.with_database(name), passwords: self.passwords.clone() })
    }

    /// Removes the database and cuts whoever is connected to it.
    ///
    /// # Errors
    /// As for [`Database::prepare`].
    pub async fn remove(&self) -> Result<(), Error> {
        let mut session = Session::open(&self.admin.with_database(MAINTENANCE))?;
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE);", quote(&self.admin.database));
        session.run("drop a database", &sql).await.map(drop)
    }

    /// The address for one of the application's roles.
    pub fn address(&self, role: Role) -> Address {
        self.admin.with_role(role.name(), self.passwords.of(role))
    }

    /// The address of the role that made the database.
    pub fn admin(&self) -> &Address {
        &self.admin
    }

    /// The application's variables (`spin.toml`) that lead a host to this database; two of them are passwords.
    pub fn variables(&self) -> Vec<(String, String)> {
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![
            variable("db_host", &self.admin.host),
            variable("db_port", &self.admin.port.to_string()),
            variable("db_name", &self.admin.database),
            variable("db_sslmode", self.admin.sslmode()),
            variable("items_db_password", self.passwords.of(Role::Items)),
            variable("audit_db_password", self.passwords.of(Role::Audit)),
        ]
    }

    async fn apply(&self, schema: &Path) -> Result<(), Error> {
        let variables = [
            ("ITEMS_DB_PASSWORD", self.passwords.of(Role::Items)),
            ("AUDIT_DB_PASSWORD", self.passwords.of(Role::Audit)),
            ("METRICS_DB_PASSWORD", self.passwords.of(Role::Metrics)),
        ];
        psql::run_file(&self.admin, schema, variables).await
    }
}

/// A session that holds the lock until it is dropped.
async fn locked(admin: &Address) -> Result<Session, Error> {
    let mut session = Session::open(&admin.with_database(MAINTENANCE))?;
    session.run("lock", &format!("SELECT pg_advisory_lock({LOCK});")).await?;
    Ok(session)
}

async fn create(session: &mut Session, name: &str) -> Result<(), Error> {
    let sql = format!(
        "SELECT 'CREATE DATABASE {} TEMPLATE template0 ENCODING ''UTF8'' LC_COLLATE ''C'' LC_CTYPE ''C'''
         WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = {}) \\gexec",
        quote(name).replace('\'', "''"),
        literal(name)
    );
    session.run("create a database", &sql).await.map(drop)
}

fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Tells schemas and passwords apart: what made a template must be what its user has.
fn fingerprint(schema: &Path, passwords: &Passwords) -> Result<u64, Error> {
    let folder = schema.parent().unwrap_or(Path::new("."));
    let entries = fs::read_dir(folder).map_err(Error::file("read", folder))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in &files {
        fs::read(file).map_err(Error::file("read", file))?.hash(&mut hasher);
    }
    for role in Role::ALL {
        passwords.of(role).hash(&mut hasher);
    }
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Server;

    /// A schema as small as can be that takes a password the way the real one does.
    const SCHEMA: &str = "
        \\getenv password ITEMS_DB_PASSWORD
        SELECT 'CREATE ROLE items LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'items') \\gexec
        ALTER ROLE items PASSWORD :'password';
        CREATE TABLE IF NOT EXISTS numbers (number int);
        GRANT SELECT, INSERT ON numbers TO items;";

    async fn ask(address: &Address, sql: &str) -> Result<Vec<String>, Error> {
        Session::open(address)?.run("answer", sql).await
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn copies_of_a_template_share_roles_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let schema = folder.path().join("schema.sql");
        fs::write(&schema, SCHEMA).unwrap();
        let server = Server::temporary().await.unwrap();
        let passwords = Passwords::random();

        let tasks = [(); 4].map(|()| {
            let (admin, schema, passwords) = (server.address(), schema.clone(), passwords.clone());
            tokio::spawn(async move { Database::template(&admin, &schema, &passwords).await })
        });
        let mut templates = Vec::new();
        for task in tasks {
            templates.push(task.await.unwrap().unwrap());
        }
        let names: Vec<_> = templates.iter().map(|template| &template.admin.database).collect();
        assert!(names.windows(2).all(|pair| pair[0] == pair[1]), "{names:?}");

        let (one, two) = (templates[0].copy("one").await.unwrap(), templates[1].copy("tw'\"o").await.unwrap());
        ask(&one.address(Role::Items), "INSERT INTO numbers VALUES (7);").await.unwrap();
        assert_eq!(ask(&one.address(Role::Items), "SELECT * FROM numbers;").await.unwrap(), ["7"]);
        assert!(ask(&two.address(Role::Items), "SELECT * FROM numbers;").await.unwrap().is_empty());

        let gone = one.address(Role::Items);
        one.remove().await.unwrap();
        assert!(matches!(ask(&gone, "SELECT 1;").await, Err(Error::Unreachable { .. })));
        server.stop().await;
    }
}
