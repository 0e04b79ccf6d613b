//! A component sees PostgreSQL as it does under Spin 3.6.3.

use std::time::Duration;
use support::{App, eventually};

/// No step of these tests takes longer, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A probe that may use a database of its own, as the role `items`.
pub struct Probe {
    app: App,
    pub address: String,
}

impl Probe {
    pub async fn start() -> Self {
        let database = App::builder().start().await;
        let variables = database.database().variables();
        let value =
            |name: &str| variables.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value).to_owned();
        let (host, port) = (value("db_host"), value("db_port"));
        let address = format!(
            "host='{host}' port={port} dbname='{}' sslmode=disable user=items password='{}'",
            value("db_name"),
            value("items_db_password")
        );
        let allowed = format!("postgres://{host}:{port}");
        Self { app: App::builder().beside(&database).with_probe(&[allowed]).start().await, address }
    }

    /// Runs statements over a connection to `address`: `sql=…` queries, `do=…` executes, `p=type:value` is a parameter.
    pub async fn at(&self, address: &str, work: &[&str]) -> String {
        self.app.probe_says(&path(address, work)).await
    }

    pub async fn run(&self, work: &[&str]) -> String {
        self.at(&self.address, work).await
    }

    /// The rows of one query, without the line about columns.
    async fn rows(&self, work: &[&str]) -> String {
        let answer = self.run(work).await;
        answer.lines().filter(|line| !line.starts_with("columns ")).collect::<Vec<_>>().join("\n")
    }
}

fn path(address: &str, work: &[&str]) -> String {
    let pairs = [("address", address)].into_iter().chain(work.iter().filter_map(|pair| pair.split_once('=')));
    let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pairs: Vec<_> = pairs.map(|(name, value)| format!("{name}={}", escape(value))).collect();
    format!("pg?{}", pairs.join("&"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_off_the_allow_list_is_refused_and_the_missing_entry_named() {
    let probe = Probe::start().await;
    for (address, refusal) in [
        ("host=db.example port=1 user=x", "address postgres://db.example:1 is not permitted"),
        ("host=db.example user=x", "address postgres://db.example is not permitted"),
        ("postgresql://x@db.example/d", "address postgres://db.example:5432 is not permitted"),
        ("host=/run/postgresql user=x", "Unix sockets are not supported on WebAssembly"),
    ] {
        let answer = probe.at(address, &["sql=SELECT 1"]).await;
        assert_eq!(answer, format!("error: Error::ConnectionFailed({refusal:?})"), "{address}");
    }
    probe.app.reported("add \"postgres://db.example:1\" to allowed_outbound_hosts").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_part_of_an_address_leads_past_the_allow_list() {
    let probe = Probe::start().await;
    let second = probe.address.replacen("host='", "host='db.example,", 1);
    assert!(probe.at(&second, &["sql=SELECT 1"]).await.contains("postgres://db.example:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_login_shows_no_password() {
    let probe = Probe::start().await;
    let wrong = probe.address.replace("user=items", "user=nobody") + " password='hush-hush'";
    let answer = probe.at(&wrong, &["sql=SELECT 1"]).await;
    assert!(answer.starts_with("error: Error::ConnectionFailed(") && !answer.contains("hush"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn types_are_strict() {
    let probe = Probe::start().await;
    let narrow = probe.run(&["sql=SELECT $1::bigint", "p=i32:1"]).await;
    assert!(narrow.contains("QueryError::Text(") && narrow.contains("WrongType"), "{narrow}");
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_each_offered_type_are_sent_and_received() {
    let probe = Probe::start().await;
    for (kind, parameter, value) in [
        ("boolean", "bool:true", "Boolean(true)"),
        ("int", "i32:-3", "Int32(-3)"),
        ("bigint", "i64:4", "Int64(4)"),
        ("double precision", "f64:2.5", "Floating64(2.5)"),
        ("text", "str:x", "Str(\"x\")"),
        ("bigint[]", "i64s:1,x", "ArrayInt64([Some(1), None])"),
        ("int", "null", "DbNull"),
    ] {
        let rows = probe.rows(&[&format!("sql=SELECT $1::{kind}"), &format!("p={parameter}")]).await;
        assert_eq!(rows, format!("DbValue::{value}"), "{kind}");
    }
    assert_eq!(probe.rows(&["sql=SELECT pg_sleep(0)"]).await, "DbValue::Unsupported([])", "void");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_while_a_query_runs_has_no_code_and_every_other_one_has() {
    let probe = Probe::start().await;
    let divide = "SELECT 1/(n-3) FROM generate_series(1,5) n";
    let running = probe.run(&[&format!("sql={divide}")]).await;
    assert!(running.contains("QueryError::Text(") && running.contains("division by zero"), "{running}");
    let executed = probe.run(&[&format!("do={divide}")]).await;
    assert!(executed.contains("code: \"22012\""), "{executed}");
    let parsed = probe.run(&["sql=SELEC"]).await;
    assert!(parsed.contains("code: \"42601\""), "{parsed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_result_has_no_columns() {
    let probe = Probe::start().await;
    assert_eq!(probe.run(&["sql=SELECT 1 WHERE false"]).await, "columns []");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_beyond_128_mib_is_refused() {
    let probe = Probe::start().await;
    let answer = probe.run(&["sql=SELECT repeat('x', 1000000) FROM generate_series(1, 200)"]).await;
    assert!(answer.contains("query result exceeds limit of 134217728 bytes"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_do_not_reach_the_next_instance_and_an_open_transaction_does() {
    let probe = Probe::start().await;
    let name = "sql=SELECT current_setting('application_name')";
    assert_eq!(probe.rows(&["do=SET application_name = 'mine'", name]).await, "touched 0\nDbValue::Str(\"mine\")");
    assert_eq!(probe.rows(&[name]).await, "DbValue::Str(\"\")");
    assert_eq!(
        probe.rows(&["sql=SELECT set_config('application_name', 'mine', false)"]).await,
        "DbValue::Str(\"mine\")"
    );
    assert_eq!(probe.rows(&[name]).await, "DbValue::Str(\"\")");

    let inside = "sql=SELECT current_setting('transaction_read_only')";
    assert_eq!(probe.rows(&[inside]).await, "DbValue::Str(\"off\")");
    probe.run(&["do=BEGIN READ ONLY"]).await;
    assert_eq!(probe.rows(&[inside]).await, "DbValue::Str(\"on\")");
    probe.run(&["do=ROLLBACK"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_not_used_again() {
    let probe = Probe::start().await;
    assert_eq!(probe.rows(&["sql=SELECT 1"]).await, "DbValue::Int32(1)");
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE usename = 'items' AND datname = current_database()";
    let ended: i64 = sqlx::query_scalar(end).fetch_one(probe.app.db()).await.expect("end the sessions");
    assert!(ended >= 1);
    eventually("a new connection", PATIENCE, async || match probe.rows(&["sql=SELECT 1"]).await.as_str() {
        "DbValue::Int32(1)" => Ok(()),
        other => Err(other.to_owned()),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_schema_is_noticed() {
    let probe = Probe::start().await;
    let app = &probe.app;
    let change = |statement: &'static str| async move {
        sqlx::raw_sql(statement).execute(app.db()).await.expect("change the schema")
    };
    change("CREATE TABLE public.thing AS SELECT 1 AS a").await;
    change("GRANT USAGE ON SCHEMA public TO items; GRANT SELECT ON public.thing TO items").await;
    let all = "sql=SELECT * FROM public.thing";
    assert_eq!(probe.rows(&[all]).await, "DbValue::Int32(1)");
    change("ALTER TABLE public.thing ADD b text DEFAULT 'two'").await;
    assert_eq!(probe.rows(&[all]).await, "DbValue::Int32(1) | DbValue::Str(\"two\")");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sixty_fifth_session_waits_and_a_trap_returns_its_sessions() {
    let probe = Probe::start().await;
    let hold = path(&probe.address, &["hold=63", "ms=600"]);
    let (held, waited) = tokio::join!(probe.app.probe_says(&hold), async {
        eventually("64 sessions", PATIENCE, async || {
            let count =
                "SELECT count(*) FROM pg_stat_activity WHERE usename = 'items' AND datname = current_database()";
            let count: i64 = sqlx::query_scalar(count).fetch_one(probe.app.db()).await.expect("count the sessions");
            if count >= 64 { Ok(()) } else { Err(format!("{count} sessions")) }
        })
        .await;
        probe.rows(&["sql=SELECT 1"]).await
    });
    assert_eq!((held.as_str(), waited.as_str()), ("", "DbValue::Int32(1)"));

    let trap = path(&probe.address, &["hold=63", "trap=1"]);
    assert_eq!(probe.app.probe(&trap).await.0, 500);
    assert_eq!(probe.run(&["hold=63"]).await, "", "all sessions are free again");
}
