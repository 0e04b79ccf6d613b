//! The PostgreSQL server of this test process: a container where a Docker engine answers, else the installed programs.
//!
//! `TEST_POSTGRES` decides otherwise: `container`, `local`, or the URL of a server that only tests use, for a role that
//! may create roles and databases. `TEST_POSTGRES_IMAGE` names another image. The server has one template with the
//! schema, and one copy of it per test. It ends with the process, however that ends.

use std::env;
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use sqlx::{Connection, PgConnection};
use stack::{Address, Database, Lifetime, Passwords, Server, settings};
use testcontainers::core::{IntoContainerPort as _, WaitFor};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{GenericImage, ImageExt as _};
use tokio::sync::OnceCell;
use tokio::time::timeout;
use uuid::Uuid;

use crate::manifest::{root, schema};

const IMAGE: &str = "postgres:18-alpine";
/// Long enough to pull the image.
const CONTAINER_DEADLINE: Duration = Duration::from_secs(180);
/// The name of the connection that keeps the container running.
const OWNER: &str = "owner of this container";

/// Runs the server in the container and stops it when the owner's connection is gone: a test process may be killed and
/// then cleans up nothing. The engine removes the stopped container.
const IN_CONTAINER: &str = r#"
docker-entrypoint.sh postgres "$@" &
server=$!
patience=60
while kill -0 $server 2>/dev/null && [ $patience -gt 0 ]; do
    sleep 1
    patience=$((patience - 1))
    owners=$(psql -U postgres -h 127.0.0.1 -Atqc "SELECT count(*) FROM pg_stat_activity WHERE application_name = '$OWNER'" 2>/dev/null)
    [ "$owners" != 1 ] || patience=10
done
kill -INT $server 2>/dev/null
wait $server
"#;

/// A failure is kept too: any other test would wait for the same one.
static TEMPLATE: OnceCell<Result<Database, String>> = OnceCell::const_new();

/// Creates a database with the schema in it.
pub async fn database() -> Database {
    let template = TEMPLATE
        .get_or_init(async || template().await.map_err(|error| format!("{error:#}")))
        .await
        .as_ref()
        .unwrap_or_else(|error| panic!("no PostgreSQL for the tests: {error}"));
    template.copy(&format!("test_{}", Uuid::new_v4().simple())).await.unwrap_or_else(|error| panic!("{error}"))
}

async fn template() -> anyhow::Result<Database> {
    let (admin, passwords) = match env::var("TEST_POSTGRES").as_deref() {
        Ok("container") => (container().await?, Passwords::random()),
        Ok("local") => (local().await?, Passwords::random()),
        Ok(url) if url.contains("://") => given(url)?,
        Ok(other) => bail!("TEST_POSTGRES is {other:?}; fix: container, local, or the URL of a server"),
        Err(_) => match container().await {
            Ok(admin) => (admin, Passwords::random()),
            Err(why) => {
                tell(&format!("no container: {why:#}"));
                (local().await?, Passwords::random())
            }
        },
    };
    Ok(Database::template(&admin, &schema(), &passwords).await?)
}

async fn container() -> anyhow::Result<Address> {
    let image = env::var("TEST_POSTGRES_IMAGE").unwrap_or_else(|_| IMAGE.to_owned());
    let (name, tag) = image.rsplit_once(':').context("TEST_POSTGRES_IMAGE has no tag; fix: NAME:TAG")?;
    let password = Uuid::new_v4().simple().to_string();
    let arguments = settings(Lifetime::Temporary).iter().flat_map(|setting| ["-c", setting]);
    // The image starts a server of its own to prepare the data, before the one that writes this line to standard error.
    let request = GenericImage::new(name, tag)
        .with_exposed_port(5432.tcp())
        .with_wait_for(WaitFor::message_on_stderr("database system is ready to accept connections"))
        .with_env_var("POSTGRES_PASSWORD", &password)
        .with_env_var("OWNER", OWNER)
        .with_env_var("PGPASSWORD", &password)
        .with_cmd(["sh", "-c", IN_CONTAINER, "sh"].into_iter().chain(arguments))
        .with_host_config_modifier(|config| config.auto_remove = Some(true));
    let container =
        timeout(CONTAINER_DEADLINE, request.start()).await.context("the Docker engine takes too long")??;
    let (host, port) = (container.get_host().await?, container.get_host_port_ipv4(5432).await?);
    let url = format!("postgres://postgres:{password}@{host}:{port}/postgres");
    let owner = PgConnection::connect(&format!("{url}?application_name={}", OWNER.replace(' ', "%20"))).await?;
    // Both live as long as the process.
    std::mem::forget((container, owner));
    tell(&format!("a container of {image} on port {port}"));
    Ok(Address::parse(&url)?)
}

async fn local() -> anyhow::Result<Address> {
    let server = Server::temporary().await?;
    let address = server.address();
    tell(&format!("a server from installed programs on port {}", address.port));
    // Never dropped: it stops with the process.
    std::mem::forget(server);
    Ok(address)
}

/// Everything that shares a server uses the same passwords of its roles, so they are kept in a file.
fn given(url: &str) -> anyhow::Result<(Address, Passwords)> {
    let folder = root().join(".data");
    std::fs::create_dir_all(&folder)?;
    let admin = Address::parse(url)?;
    tell(&format!("{admin}, from TEST_POSTGRES"));
    Ok((admin, Passwords::kept(&folder.join("passwords"))?))
}

/// The test harness captures what `println!` prints, but not this.
fn tell(which: &str) {
    let _ = writeln!(std::io::stderr(), "PostgreSQL of these tests: {which}");
}
