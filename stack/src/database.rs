use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::psql::Session;
use crate::{Address, Error, Passwords, Role, console};

/// The advisory lock under which the schema is applied. Roles belong to the whole server, and PostgreSQL fails when two
/// sessions alter one role at once.
const LOCK: i64 = 0x0069_7465_6d73_6462; // "itemsdb"
/// Advisory locks belong to a database: every process takes this one in the same database.
const MAINTENANCE: &str = "postgres";
/// The roles of `001_roles.sql`.
const ROLES: &str = "'items_owner', 'items', 'audit', 'metrics', 'retention', 'auditor'";

const OTHER_DATABASE: &str = "name another database in DATABASE_URL; one that does not exist is created, with UTF8";
const PRIMARY: &str = "DATABASE_URL must name a server and a database that accept writes";
const OTHER_STACK: &str = "name another server, use the `.data/passwords` of the other stack, or set TAKE_OVER=yes to give the \
                           roles new passwords, which locks the other stack out";

/// A database with the schema applied.
#[derive(Clone)]
pub struct Database {
    admin: Address,
    passwords: Passwords,
}

impl Database {
    /// Creates the database that `admin` names, unless it exists, and brings its schema and the roles up to date, with
    /// these passwords. Who used the roles with other passwords is locked out.
    ///
    /// `schema` is the script `schema.sql`; `admin` is a role that may create databases and roles.
    ///
    /// # Errors
    /// [`Error::Unreachable`] without a connection, [`Error::Sql`] with PostgreSQL's own message.
    pub async fn prepare(admin: &Address, schema: &Path, passwords: &Passwords) -> Result<Self, Error> {
        Self::set_up(admin, schema, passwords, true).await
    }

    /// The same; without `take_over`, roles that have other passwords are refused with [`Error::Unfit`].
    pub(crate) async fn set_up(
        admin: &Address,
        schema: &Path,
        passwords: &Passwords,
        take_over: bool,
    ) -> Result<Self, Error> {
        let database = Self { admin: admin.clone(), passwords: passwords.clone() };
        let mut session = locked(admin).await?;
        // Until the session ends, no other stack creates roles.
        let keep = !take_over && database.has_its_roles(&mut session).await?;
        create(&mut session, &admin.database).await?;
        database.apply(schema, keep).await?;
        Ok(database)
    }

    /// Fails with [`Error::Unfit`] if the services could not use this database or could not create it, or if others use
    /// it: the schema takes rights from PUBLIC. Changes nothing.
    pub(crate) async fn examine(admin: &Address) -> Result<(), Error> {
        let unfit = |problem: &str, fix| Err(Error::Unfit(admin.to_string(), problem.to_owned(), fix));
        if [MAINTENANCE, "template0", "template1"].contains(&&*admin.database) {
            return unfit("it is the server's own", OTHER_DATABASE);
        }
        let sql = format!(
            "SELECT current_setting('server_version_num')::int / 10000, rolsuper OR rolcreaterole, rolsuper OR rolcreatedb,
                    current_setting('transaction_read_only'),
                    (SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = {})
             FROM pg_roles WHERE rolname = current_user;",
            literal(&admin.database)
        );
        let row = Session::open(&admin.with_database(MAINTENANCE))?.run("describe itself", &sql).await?.concat();
        match *row.split('|').collect::<Vec<_>>() {
            [version, ..] if version.parse::<u32>().is_ok_and(|version| version < 15) => {
                return unfit(&format!("its server is PostgreSQL {version}"), "use PostgreSQL 15 or later");
            }
            [_, "f", ..] => return unfit("this role may not create roles", "name a role with CREATEROLE"),
            [.., "on", _] => return unfit("it accepts no writes", PRIMARY),
            [_, _, "f", _, ""] => {
                let fix = "create it, or name a role with CREATEDB";
                return unfit("it does not exist, and this role may not create databases", fix);
            }
            [.., ""] => return Ok(()),
            [.., "UTF8"] => {}
            [.., encoding] => {
                return unfit(&format!("its encoding is {encoding}, which lacks characters"), OTHER_DATABASE);
            }
            [] => unreachable!("split returns at least one part"),
        }
        // Tables of extensions do not count.
        let sql = "SELECT current_setting('transaction_read_only'),
                NOT EXISTS (SELECT FROM pg_class WHERE relname = 'relay_lease') AND EXISTS (
                    SELECT FROM pg_class c WHERE relkind IN ('r', 'p') AND relpersistence <> 't'
                    AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
                    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e'));";
        match Session::open(admin)?.run("describe its tables", sql).await?.concat().split_once('|') {
            Some(("on", _)) => unfit("it accepts no writes", PRIMARY),
            Some((_, "t")) => unfit("it has tables of another application", OTHER_DATABASE),
            _ => Ok(()),
        }
    }

    /// Whether the server has the roles, with our passwords.
    async fn has_its_roles(&self, session: &mut Session) -> Result<bool, Error> {
        let list = format!("SELECT rolname FROM pg_roles WHERE rolname IN ({ROLES});");
        let names = session.run("list roles", &list).await?;
        if names.is_empty() {
            return Ok(false);
        }
        for role in Role::ALL {
            // Of the databases that the role may connect to, the application's own comes first.
            let find = format!(
                "SELECT datname FROM pg_database d, pg_roles r WHERE rolname = {} AND datallowconn
                     AND has_database_privilege(r.oid, d.oid, 'CONNECT')
                 ORDER BY datname <> {}, datname <> 'postgres' LIMIT 1;",
                literal(role.name()),
                literal(&self.admin.database)
            );
            let found = session.run("list databases", &find).await?;
            let own = self.address(role).with_database(found.first().map_or(MAINTENANCE, String::as_str));
            match Session::open(&own)?.run("log in", "SELECT 1;").await {
                Ok(_) => {}
                // A full server says nothing about the password.
                Err(Error::Unreachable(_, reason))
                    if !["too many", "slots"].iter().any(|word| reason.contains(word)) =>
                {
                    let problem =
                        format!("its server has roles of another stack, whose passwords are not ours ({reason})");
                    return Err(Error::Unfit(self.admin.to_string(), problem, OTHER_STACK));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// A database to make copies of with [`Database::copy`]. It is created once per server, schema and passwords.
    ///
    /// # Errors
    /// As for [`Database::prepare`], and [`Error::File`] when the schema cannot be read.
    pub async fn template(admin: &Address, schema: &Path, passwords: &Passwords) -> Result<Self, Error> {
        let name = format!("items_template_{:016x}", fingerprint(schema, passwords)?);
        let mut session = locked(admin).await?;
        let exists = format!("SELECT 1 FROM pg_database WHERE datname = {};", literal(&name));
        if session.run("list databases", &exists).await?.is_empty() {
            // Renamed when it is complete: a process that dies in between leaves no unfinished template.
            let draft = format!("{name}_new");
            session.run("drop a database", &format!("DROP DATABASE IF EXISTS {} WITH (FORCE);", quote(&draft))).await?;
            create(&mut session, &draft).await?;
            Self { admin: admin.with_database(&draft), passwords: passwords.clone() }.apply(schema, false).await?;
            let rename = format!("ALTER DATABASE {} RENAME TO {};", quote(&draft), quote(&name));
            session.run("rename a database", &rename).await?;
        }
        Ok(Self { admin: admin.with_database(&name), passwords: passwords.clone() })
    }

    /// Copies this database, to which no session may be connected meanwhile. Rights on the database itself are not
    /// copied.
    pub async fn copy(&self, name: &str) -> Result<Self, Error> {
        let mut session = Session::open(&self.admin.with_database(MAINTENANCE))?;
        let sql = format!("CREATE DATABASE {} TEMPLATE {};", quote(name), quote(&self.admin.database));
        session.run("copy a database", &sql).await?;
        Ok(Self { admin: self.admin.with_database(name), passwords: self.passwords.clone() })
    }

    /// Drops the database and ends every session on it.
    pub async fn remove(&self) -> Result<(), Error> {
        let mut session = Session::open(&self.admin.with_database(MAINTENANCE))?;
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE);", quote(&self.admin.database));
        session.run("drop a database", &sql).await.map(drop)
    }

    /// The address for one of the application's roles.
    pub fn address(&self, role: Role) -> Address {
        self.admin.with_role(role.name(), self.passwords.of(role))
    }

    /// The address of the role that created the database.
    pub fn admin(&self) -> &Address {
        &self.admin
    }

    /// The application's variables (`spin.toml`) with which a host connects to this database; two of them are
    /// passwords.
    pub fn variables(&self) -> Vec<(String, String)> {
        let variables = [
            ("db_host", self.admin.host.clone()),
            ("db_port", self.admin.port.to_string()),
            ("db_name", escaped(&self.admin.database)),
            ("db_sslmode", "disable".to_owned()),
            ("items_db_password", escaped(self.passwords.of(Role::Items))),
            ("audit_db_password", escaped(self.passwords.of(Role::Audit))),
        ];
        variables.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// The same as the environment variables from which a host reads them.
    pub fn environment(&self) -> Vec<(String, String)> {
        let variable = |(name, value): (String, String)| (format!("SPIN_VARIABLE_{}", name.to_uppercase()), value);
        self.variables().into_iter().map(variable).collect()
    }

    /// `keep`: the roles keep the passwords that they have.
    async fn apply(&self, schema: &Path, keep: bool) -> Result<(), Error> {
        let variable = |role: Role| (format!("{}_DB_PASSWORD", role.name().to_uppercase()), self.passwords.of(role));
        let roles = Role::ALL.into_iter().filter(|_| !keep);
        let mut session = Session::open_with(&self.admin, roles.map(variable))?;
        let file = schema.to_string_lossy();
        let include = format!("\\i {}", literal(&file.replace('\\', r"\\")));
        session.run_each(&format!("apply {file}"), &include, |line| console::say(&line)).await
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

/// A value for a connection string, in which `spin.toml` puts it between quotes.
fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('\'', r"\'")
}

fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A hash of schema and passwords: processes that share a template must agree on both.
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
    Role::ALL.map(|role| passwords.of(role)).hash(&mut hasher);
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Server;

    /// A very small schema that reads a password the way the real one does.
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
        assert!(matches!(ask(&gone, "SELECT 1;").await, Err(Error::Unreachable(..))));
        server.stop().await;
    }
}
