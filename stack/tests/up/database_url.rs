//! `DATABASE_URL`: a server that is not the stack's own.

use std::fs;

use rustix::process::Signal;
use stack::Server;

use crate::folder::{Folder, psql};
use crate::refused::assert_refused;
use crate::running::Running;
use crate::wait::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_used_and_not_stopped_whatever_characters_names_and_password_have() {
    let server = Server::temporary().await.unwrap();
    let (admin, port) = (server.address(), server.address().port);
    let role = r#"CREATE ROLE "o'wn er" SUPERUSER LOGIN PASSWORD 'p''w "\%ü@/'"#;
    assert_eq!(psql(&admin.url(), role), "CREATE ROLE");
    let database = r#"it's a "100%" \ shöp $HOME"#;
    let parameters = "connect_timeout=3&application_name=a%20b&target_session_attrs=read-write&sslmode=prefer";
    let encoded = "it's%20a%20%22100%25%22%20%5C%20sh%C3%B6p%20$HOME";
    let url = format!("postgres://o'wn%20er:p'w%20%22%5C%25%C3%BC%40%2F@localhost:{port}/{encoded}?{parameters}");
    let folder = Folder::new();
    let running = Running::spawn(&folder, &["--database-url", &url]);
    running.create("there \u{1f680}");
    eventually("the sidecar reads this database", || {
        let scrape = running.scrape()?;
        if scrape.contains("\nitems_created_total 1") { Ok(()) } else { Err(scrape) }
    });
    assert!(!folder.path().join("data/postgres").exists(), "no server of its own");
    assert!(!running.log().contains("p'w"), "the password is not printed: {}", running.log());
    let environment = fs::read_to_string(folder.path().join(".env")).unwrap();
    let line = r#"SPIN_VARIABLE_DB_NAME="it\\'s a \"100%\" \\\\ shöp \$HOME""#;
    assert!(environment.lines().any(|found| found == line), "{environment}");
    assert_eq!(running.end_with(Signal::TERM), Some(0));
    let found = psql(&admin.with_database(database).url(), "SELECT name FROM items");
    assert_eq!(found, "there \u{1f680}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_stack_on_one_server_is_refused_unless_it_takes_over() {
    let server = Server::temporary().await.unwrap();
    let folders = [Folder::new(), Folder::new()];
    let urls = ["one", "two"].map(|database| server.address().with_database(database).url());
    let start = |index: usize| Running::spawn(&folders[index], &["--database-url", &urls[index]]);
    // Both at once: one of them creates the roles.
    let stacks = [start(0), start(1)];
    let (first, second) = eventually("one stack is refused and the other runs", || {
        let logs = [stacks[0].log(), stacks[1].log()];
        let is = |index: usize, text: &str| logs[index].contains(text);
        let order = [(0, 1), (1, 0)].into_iter();
        let mut decided = order.filter(|(first, second)| is(*first, "Ctrl-C stops it") && is(*second, "error: "));
        decided.next().ok_or_else(|| logs.join("\n"))
    });
    let arguments = ["--database-url", &urls[second]];
    assert_refused(&folders[second], &arguments, &["roles of another stack", "TAKE_OVER=yes"]);
    let databases = "SELECT count(*) FROM pg_database WHERE datname IN ('one', 'two')";
    assert_eq!(psql(&server.address().url(), databases), "1", "nothing is created for a refused stack");

    // A new session, as the first stack opens it under load.
    let passwords = fs::read_to_string(folders[first].path().join("data/passwords")).unwrap();
    let password = passwords.lines().find_map(|line| line.strip_prefix("items=")).unwrap();
    let database = ["one", "two"][first];
    let url = format!("postgres://items:{password}@127.0.0.1:{}/{database}", server.address().port);
    let log_in = || psql(&url, "SELECT 'in'");
    assert_eq!(log_in(), "in");
    stacks[first].create("still there");

    let taking = Running::spawn(&folders[second], &["--database-url", &urls[second], "--take-over", "yes"]);
    taking.create("there");
    assert!(log_in().contains("password authentication failed"), "{}", log_in());
    assert_eq!(taking.end_with(Signal::TERM), Some(0));
    start(second).create("the roles are its own now");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_serve_is_refused_before_anything_is_created() {
    let server = Server::temporary().await.unwrap();
    let admin = server.address();
    for sql in [
        "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'",
        "CREATE ROLE plain LOGIN PASSWORD 'p'",
        "CREATE ROLE maker LOGIN CREATEROLE PASSWORD 'p'",
        "CREATE ROLE reader SUPERUSER LOGIN PASSWORD 'p'",
        "ALTER ROLE reader SET default_transaction_read_only = on",
        "CREATE DATABASE shop",
        "CREATE DATABASE frozen",
        "ALTER DATABASE frozen SET default_transaction_read_only = on",
    ] {
        let done = psql(&admin.url(), sql);
        assert!(done.contains("ROLE") || done.contains("DATABASE"), "{done}");
    }
    assert_eq!(psql(&admin.with_database("shop").url(), "CREATE TABLE orders ()"), "CREATE TABLE");
    let folder = Folder::new();
    let by = |role: &str| format!("postgres://{role}:p@127.0.0.1:{}/itemsdb", admin.port);
    for (url, problem) in [
        (admin.with_database("latin").url(), "its encoding is LATIN1"),
        (by("plain"), "may not create roles"),
        (by("maker"), "may not create databases"),
        (by("reader"), "accepts no writes"),
        (admin.with_database("frozen").url(), "accepts no writes"),
        (admin.with_database("shop").url(), "tables of another application"),
        (admin.url(), "the server's own"),
    ] {
        assert_refused(&folder, &["--database-url", &url], &[problem]);
        assert!(!folder.has_data(), "{problem}");
    }
    let created = "SELECT (SELECT count(*) FROM pg_roles WHERE rolname = 'items') + (SELECT count(*) FROM pg_database
                   WHERE datname = 'itemsdb')";
    assert_eq!(psql(&admin.url(), created), "0");
}
