//! `GET /readyz`: ready means that an operation can be done. It has a line for each check, and starts the relay.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use futures::future::join_all;
use rustix::process::{Pid, Signal, kill_process};
use stack::{Database, Passwords, Server};
use support::{App, Builder, Method, SOON, eventually, json, schema};

/// Waits until `/readyz` answers 200, or 503 with a reason.
async fn becomes(app: &App, reason: Option<&str>) {
    let expected = reason.map_or("200 database: ok\naudit: ok\n".to_owned(), |it| format!("503 database: {it}\n"));
    eventually(&format!("/readyz: {expected}"), SOON, async || {
        let response = app.get("/readyz").await;
        let found = format!("{} {}", response.status.as_u16(), response.text);
        if found == expected { Ok(()) } else { Err(found) }
    })
    .await;
}

/// Ends every session of the components.
const END: &str = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                    WHERE datname = current_database() AND usename IN ('items', 'audit')";

#[tokio::test(flavor = "multi_thread")]
async fn a_service_with_its_database_is_ready() {
    let app = App::start().await;
    let response = app.get("/readyz").await;
    assert_eq!(response.status, 200, "{response:?}");
    assert!(response.header("content-type").starts_with("text/plain"), "{response:?}");
    assert_eq!(response.header("cache-control"), "no-store", "{response:?}");
    assert!(response.text.lines().any(|line| line.contains("database")), "{response:?}");
    assert!(response.text.ends_with('\n'), "{response:?}");
    assert_eq!(app.database().stored_and_waiting().await, (0, 0), "it is not an operation");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_its_database_is_not_ready() {
    let app = App::builder().without_database().start().await;
    let response = app.get("/readyz").await;
    assert_eq!(response.status, 503);
    assert_eq!(response.text, "database: unreachable\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_prevents_operations_is_named_and_is_over_when_it_is_gone() {
    let app = App::start().await;
    let no_room = "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
                   $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$";
    app.database().run(no_room).await;
    for (reason, cause, remedy) in [
        (
            "no space",
            "CREATE TRIGGER f BEFORE INSERT ON audit_outbox FOR EACH ROW EXECUTE FUNCTION no_room()",
            "DROP TRIGGER f ON audit_outbox",
        ),
        (
            "failing",
            "ALTER TABLE audit_outbox ADD CONSTRAINT broken CHECK (action <> 'get')",
            "ALTER TABLE audit_outbox DROP CONSTRAINT broken",
        ),
        (
            "wrong schema",
            "REVOKE EXECUTE ON FUNCTION items_update FROM items",
            "GRANT EXECUTE ON FUNCTION items_update TO items",
        ),
        (
            "wrong schema",
            "ALTER FUNCTION items_chunk RENAME TO items_chunk_gone",
            "ALTER FUNCTION items_chunk_gone RENAME TO items_chunk",
        ),
        (
            "wrong schema",
            "ALTER FUNCTION items_ready RENAME TO items_ready_gone",
            "ALTER FUNCTION items_ready_gone RENAME TO items_ready",
        ),
    ] {
        becomes(&app, None).await;
        app.database().run(cause).await;
        becomes(&app, Some(reason)).await;
        app.database().run(remedy).await;
    }
    becomes(&app, None).await;
    assert!(app.logs().iter().any(|line| line.contains("cannot call items_update")), "the log names the function");
    assert_eq!(app.database().stored_and_waiting().await, (0, 0), "readiness leaves nothing behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_can_only_read_are_not_ready_and_are_replaced_without_a_restart() {
    let app = App::start().await;
    let name: String = app.database().value("SELECT current_database()::text").await;
    let alter = async |what: &str| {
        let statement = format!("ALTER DATABASE {name} {what}");
        app.database().psql(|psql| psql.args(["-d", "postgres", "-c", &statement])).await;
    };
    alter("SET default_transaction_read_only = on").await;
    app.database().run(END).await;
    // Each of these requests gets a session of its own, which can only read.
    let responses = join_all((0..8).map(|_| app.post(json!({ "name": "bolt" })))).await;
    assert!(responses.iter().all(|response| response.status == 503), "{responses:?}");
    becomes(&app, Some("read-only")).await;

    // From now on new sessions can write.
    alter("RESET default_transaction_read_only").await;
    becomes(&app, None).await;
    let responses = join_all((0..16).map(|_| app.post(json!({ "name": "bolt" })))).await;
    assert!(responses.iter().all(|response| response.status == 201), "{responses:?}");
    app.audited(16, SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_in_recovery_is_not_ready_until_it_is_promoted() {
    let everybody = Permissions::from_mode(0o755);
    let folder = tempfile::Builder::new().permissions(everybody).tempdir().expect("a folder for the database");
    let server = Server::start(&folder.path().join("postgres"), 0, Vec::new(), Vec::new()).await;
    let mut server = server.expect("PostgreSQL starts");
    let admin = server.address().with_database("itemsdb");
    let database = Database::prepare(&admin, &schema(), &Passwords::random()).await.expect("the schema applies");
    let variables = database.variables();
    let with = |app: Builder| variables.iter().fold(app, |app, (name, value)| app.variable(name, value));
    let app = with(App::builder()).start().await;
    becomes(&app, None).await;

    fs::write(server.data().join("standby.signal"), "").expect("ask for recovery");
    let pid = fs::read_to_string(server.data().join("postmaster.pid")).expect("a process id");
    let pid = pid.lines().next().and_then(|pid| Pid::from_raw(pid.parse().ok()?)).expect("a process id");
    kill_process(pid, Signal::INT).expect("stop the server");
    server.restart().await.expect("PostgreSQL starts again");
    becomes(&app, Some("in recovery")).await;
    assert_eq!(app.get("/items").await.status, 503);

    let pool = sqlx::PgPool::connect(&admin.url()).await.expect("connect");
    sqlx::query("SELECT pg_promote()").execute(&pool).await.expect("promote");
    becomes(&app, None).await;
    app.create("bolt").await;
    pool.close().await;
    drop(app);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_encoding_is_not_ready() {
    let app = App::start().await;
    let latin: String = app.database().value("SELECT current_database() || '_latin'").await;
    let create = format!("CREATE DATABASE {latin} TEMPLATE template0 ENCODING LATIN1 LOCALE 'C'");
    app.database().run(&create).await;
    app.database().apply_schema_to(&latin).await;
    let other = App::builder().beside(&app).variable("db_name", &latin).start().await;
    becomes(&other, Some("wrong encoding")).await;
    drop(other);
    app.database().run(&format!("DROP DATABASE {latin} WITH (FORCE)")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_is_ready_if_events_can_be_stored() {
    let of_audit = |trigger: &mut toml::Value| {
        if trigger["route"].as_str() == Some("/readyz") {
            trigger.as_table_mut().expect("a table").insert("component".into(), "audit".into());
        }
    };
    let app = App::builder().manifest(|manifest| manifest.triggers().iter_mut().for_each(of_audit)).start().await;
    let text =
        async || app.http().get(app.url("/readyz")).send().await.expect("a response").text().await.expect("a text");
    assert_eq!(text().await, "database: ok\n");
    app.database().run("REVOKE EXECUTE ON FUNCTION audit_store FROM audit").await;
    assert_eq!(text().await, "database: wrong schema\n");
    app.database().run("GRANT EXECUTE ON FUNCTION audit_store TO audit").await;
    app.database().run("ALTER TABLE audit_outbox ADD CONSTRAINT broken CHECK (false)").await;
    assert_eq!(text().await, "database: failing\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_cannot_tell_which_proxies_to_trust_is_not_ready_and_records_no_wrong_caller() {
    let app = App::builder().variable("trusted_proxies", "10.42.0.0/16;127.0.0.1").start().await;
    let response = app.get("/readyz").await;
    assert_eq!((response.status.as_u16(), response.text.as_str()), (503, "variables: malformed\n"));
    app.logged("the variable trusted_proxies is malformed; fix: ").await;
    let forwarded = app.request(Method::GET, "/items").header("x-forwarded-for", "192.0.2.1");
    assert_eq!(app.send(forwarded).await.status, 503);
    assert_eq!(app.database().stored_and_waiting().await, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_audit_is_ready_works_and_has_a_line_about_it() {
    let app = App::builder().without_audit().start().await;
    let before = app.get("/readyz").await.text;
    app.create("bolt").await;
    let after = eventually("a new line about audit", SOON, async || {
        let response = app.get("/readyz").await;
        assert_eq!(response.status, 200);
        let new = response.text.lines().any(|line| line.contains("audit") && !before.contains(line));
        if new { Ok(response.text) } else { Err(response.text) }
    })
    .await;
    assert!(!after.contains("127.0.0.1"), "{after}");
    assert_eq!(app.get("/items/1").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_readiness_check_relays_the_events_that_an_earlier_host_left() {
    let app = App::start().await;
    let requests = app.database().enqueue("left", 20, "NULL").await;
    assert_eq!(app.get("/readyz").await.status, 200);
    // Not `audited`, which would send more checks.
    app.database().becomes("SELECT count(*) FROM audit_outbox", 0_i64).await;
    app.database().check_trail(requests).await;
}
