//! A component can reach nothing that its manifest does not allow.

use std::collections::HashMap;
use std::io;

use axum::Router;
use support::App;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Starts an HTTP server that answers every request with `reached`, and returns its port. Dropping the set stops it.
async fn server() -> (u16, JoinSet<io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let port = listener.local_addr().expect("an address").port();
    let mut serving = JoinSet::new();
    serving.spawn(axum::serve(listener, Router::new().fallback(|| async { "reached" })).into_future());
    (port, serving)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_calls_the_hosts_on_its_list_and_no_other() {
    let ((allowed, _one), (other, _two)) = (server().await, server().await);
    let app = App::builder().with_probe(&[format!("http://127.0.0.1:{allowed}")]).start().await;
    let fetch = async |url: String| app.probe_says(&format!("fetch?url={url}")).await;
    assert_eq!(fetch(format!("http://127.0.0.1:{allowed}/x")).await, "200 reached");
    for url in [
        format!("http://127.0.0.1:{other}/x"),
        format!("http://localhost:{allowed}/x"),
        format!("http://0.0.0.0:{allowed}/x"),
        format!("http://[::1]:{allowed}/x"),
        format!("http://[::ffff:127.0.0.1]:{allowed}/x"),
        format!("https://127.0.0.1:{allowed}/x"),
        "http://127.0.0.1/x".into(),
        "http://audit.spin.internal/livez".into(),
        "http://items.spin.internal/items".into(),
        "http://probe.spin.internal/hello".into(),
        format!("http://{}/items", app.address()),
        "http://self.alt/items".into(),
    ] {
        let seen = fetch(url.clone()).await;
        assert!(seen.starts_with("error: ErrorCode::HttpRequestDenied"), "{url}: {seen}");
    }
    assert_eq!(app.database().count("audit_outbox").await, 0, "items was not called");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_opens_the_databases_on_its_list_and_no_other() {
    let app = App::builder().with_probe(&["postgres://127.0.0.1:1".into()]).start().await;
    let variables: HashMap<String, String> = app.database().variables().into_iter().collect();
    let [host, port, database, password] =
        ["db_host", "db_port", "db_name", "items_db_password"].map(|name| variables[name].as_str());
    let login = format!("user=items password={password} dbname={database} sslmode=disable");
    let url =
        |servers: &str, more: &str| format!("postgresql://items:{password}@{servers}/{database}?sslmode=disable{more}");
    let pg = async |app: &App, address: &str| {
        let address: String = address.bytes().map(|byte| format!("%{byte:02X}")).collect();
        app.probe_says(&format!("pg?address={address}&sql=SELECT+1::int")).await
    };
    let granted = App::builder().beside(&app).with_probe(&[format!("postgres://{host}:{port}")]).start().await;
    let working = format!("host={host} port={port} {login}");
    for address in [&working, &url(&format!("{host}:{port}"), ""), &url("", &format!("&host={host}&port={port}"))] {
        let seen = pg(&granted, address).await;
        assert!(seen.ends_with("Int32(1)"), "{address} is a working address: {seen}");
    }
    for address in [
        working,
        format!("host=localhost port={port} {login}"),
        format!("host=127.0.0.1,{host} port=1,{port} {login}"),
        format!("host=127.0.0.1,127.0.0.1 port=1,{port} {login}"),
        format!("host=/var/run/postgresql port={port} {login}"),
        format!("host=/tmp port=1 {login}"),
        format!("host=@postgres port=1 {login}"),
        format!("host={host},127.0.0.1 port={port},1 {login}"),
        format!("host=127.0.0.1 port=1 host={host} port={port} {login}"),
        format!("host={host} port={port} {login} host=127.0.0.1 port=1"),
        format!("host=127.0.0.1 port=1,{port} {login}"),
        format!("host=2130706433 port={port} {login}"),
        format!("host=0x7f.0.0.1 port={port} {login}"),
        url(&format!("{host}:{port}"), ""),
        url("127.0.0.1:1", &format!("&host={host}&port={port}")),
        url(&format!("127.0.0.1:1,{host}:{port}"), ""),
        url("%2Fvar%2Frun%2Fpostgresql", ""),
        url(&format!("127.0.0.1:1@{host}:{port}"), ""),
        url("", &format!("&host={host}&port={port}")),
    ] {
        let seen = pg(&app, &address).await;
        assert!(seen.starts_with("error: ") && !seen.contains("Int32"), "{address}: {seen}");
    }
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'items'";
    assert_eq!(app.database().value::<i64>(sessions).await, 3, "only the allowed addresses were connected to");
}
