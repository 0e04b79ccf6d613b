//! A guest gets nothing that its manifest does not grant.

use support::App;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A server that answers every call; tells how many connections it got when it is asked to end.
struct Server {
    port: u16,
    serving: JoinHandle<()>,
}

impl Server {
    async fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
        let port = listener.local_addr().expect("an address").port();
        let serving = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 1024]).await;
                let _ =
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nreached").await;
            }
        });
        Server { port, serving }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_calls_the_hosts_on_its_list_and_no_other() {
    let (allowed, other) = (Server::start().await, Server::start().await);
    let app = App::builder().with_probe(&[format!("http://127.0.0.1:{}", allowed.port)]).start().await;
    let fetch = async |url: String| app.probe_says(&format!("fetch?url={url}")).await;
    assert_eq!(fetch(format!("http://127.0.0.1:{}/x", allowed.port)).await, "200 reached");
    for url in [
        format!("http://127.0.0.1:{}/x", other.port),
        format!("http://localhost:{}/x", allowed.port),
        format!("http://0.0.0.0:{}/x", allowed.port),
        format!("http://[::1]:{}/x", allowed.port),
        format!("http://[::ffff:127.0.0.1]:{}/x", allowed.port),
        format!("https://127.0.0.1:{}/x", allowed.port),
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
    assert_eq!(app.database().count("audit_outbox").await, 0, "items was not called either");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_opens_the_databases_on_its_list_and_no_other() {
    let app = App::builder().with_probe(&["postgres://127.0.0.1:1".into()]).start().await;
    let variable = |name: &str| {
        let variables = app.database().variables();
        variables
            .into_iter()
            .find_map(|(known, value)| (known == name).then_some(value))
            .unwrap_or_else(|| panic!("no variable {name}"))
    };
    let (host, port, database) = (variable("db_host"), variable("db_port"), variable("db_name"));
    let password = variable("items_db_password");
    let login = format!("user=items password={password} dbname={database} sslmode=disable");
    // The same as a URL.
    let url =
        |servers: &str, more: &str| format!("postgresql://items:{password}@{servers}/{database}?sslmode=disable{more}");
    let pg = async |app: &App, address: &str| {
        let address: String = address.bytes().map(|byte| format!("%{byte:02X}")).collect();
        app.probe_says(&format!("pg?address={address}&sql=SELECT+1::int")).await
    };
    let granted = app_with_database(&app, &host, &port).await;
    let whole = format!("host={host} port={port} {login}");
    for address in [&whole, &url(&format!("{host}:{port}"), ""), &url("", &format!("&host={host}&port={port}"))] {
        let seen = pg(&granted, address).await;
        assert!(seen.ends_with("Int32(1)"), "{address} is a working address: {seen}");
    }
    for address in [
        whole,
        format!("host=localhost port={port} {login}"),
        format!("host=127.0.0.1 port=1 hostaddr=127.0.0.1 {login}"),
        format!("hostaddr={host} port={port} {login}"),
        format!("host=127.0.0.1,{host} port=1,{port} {login}"),
        format!("host=127.0.0.1,127.0.0.1 port=1,{port} {login}"),
        format!("host=/var/run/postgresql port={port} {login}"),
        format!("host=/tmp port=1 {login}"),
        format!("host=@postgres port=1 {login}"),
        format!("host={host},127.0.0.1 port={port},1 {login}"),
        format!("host=127.0.0.1 port=1 host={host} port={port} {login}"),
        format!("host={host} port={port} {login} host=127.0.0.1 port=1"),
        format!("host=127.0.0.1 port=1,{port} {login}"),
        format!("host=127.0.0.1 port=1 {login} target_session_attrs=any load_balance_hosts=random hostaddr={host}"),
        format!("host=2130706433 port={port} {login}"),
        format!("host=0x7f.0.0.1 port={port} {login}"),
        url(&format!("{host}:{port}"), ""),
        url("127.0.0.1:1", &format!("&host={host}&port={port}")),
        url("127.0.0.1:1", &format!("&hostaddr={host}")),
        url(&format!("127.0.0.1:1,{host}:{port}"), ""),
        url("%2Fvar%2Frun%2Fpostgresql", ""),
        url(&format!("127.0.0.1:1@{host}:{port}"), ""),
        url("", &format!("&host={host}&port={port}")),
    ] {
        let seen = pg(&app, &address).await;
        assert!(seen.starts_with("error: ") && !seen.contains("Int32"), "{address}: {seen}");
    }
    let used: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'items'",
    )
    .fetch_one(app.db())
    .await
    .expect("count the connections");
    assert_eq!(used, 3, "nobody came in but those that were granted");
}

/// The same with the database on the probe's list.
async fn app_with_database(app: &App, host: &str, port: &str) -> App {
    App::builder().beside(app).with_probe(&[format!("postgres://{host}:{port}")]).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_sees_no_file_no_environment_no_socket_no_name_and_no_variable() {
    let server = Server::start().await;
    // The grants are for calls through the host's own client: they open no sockets.
    let app = App::builder().with_probe(&[format!("*://*:{}", server.port)]).start().await;
    assert!(std::env::vars().next().is_some(), "the host itself has an environment");
    assert_eq!(app.probe_says("env").await, "");
    for path in
        ["/", ".", "..", "spin.toml", "./spin.toml", "/etc/hostname", "/etc/passwd", "/proc/self/environ", "/dev/null"]
    {
        let seen = app.probe_says(&format!("files?path={path}")).await;
        assert!(seen.starts_with("error: "), "{path}: {seen}");
    }
    let socket = app.probe_says(&format!("socket?port={}", server.port)).await;
    assert!(socket.starts_with("error: "), "{socket}");
    let lookup = app.probe_says("lookup?name=localhost").await;
    assert!(lookup.starts_with("error: "), "{lookup}");
    for name in ["db_url", "audit_url", "items_db_password", "audit_db_password"] {
        let seen = app.probe_says(&format!("variable?name={name}")).await;
        assert!(seen.starts_with("error: "), "{name}: {seen}");
    }
}
