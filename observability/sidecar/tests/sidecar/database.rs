//! A database that is lost, hangs and comes back.

use std::time::{Duration, Instant};

use futures::future::join_all;
use sidecar::Password;
use tokio::net::TcpListener;

use crate::support::database::Database;
use crate::support::{Scrape, config, eventually, get, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_database_leaves_its_last_values_until_it_is_back() {
    let database = Database::new().await;
    database.run("SELECT items_create('a', '', NULL, 'r', NULL, NULL, NULL)").await;
    database.relay().await;
    let sidecar = start(database.config()).await;
    let before = Scrape::of(&sidecar).await;
    assert_eq!(before.value("items_created_total"), Some(1.0));

    database.allow_connections(false).await;
    database.cut().await;
    let lost = Scrape::of(&sidecar).await;
    assert_eq!(lost.value("database_up"), Some(0.0));
    assert_eq!(lost.value("database_readings_total{outcome=\"error\"}"), Some(1.0));
    let kept = ["items_", "audit_", "database_size", "database_table", "database_function"];
    assert_eq!(lost.series(&kept), before.series(&kept));
    let older = Scrape::of(&sidecar).await;
    let age = |scrape: &Scrape| scrape.value("database_values_age_seconds").unwrap();
    assert!(age(&older) > age(&lost), "{} after {}", age(&older), age(&lost));

    database.allow_connections(true).await;
    database.run("SELECT items_create('b', '', NULL, 'r', NULL, NULL, NULL)").await;
    database.relay().await;
    let back = Scrape::of(&sidecar).await;
    assert_eq!(back.value("database_up"), Some(1.0));
    assert_eq!(back.value("items_created_total"), Some(2.0));
    assert!(age(&back) < age(&older));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_which_no_operation_can_be_done_is_not_up_though_it_is_read() {
    let database = Database::new().await;
    let sidecar = start(database.config()).await;
    let up = async || Scrape::of(&sidecar).await.value("database_up");
    let ready = async || get(sidecar.metrics_address(), "/readyz").await.text().await.unwrap();
    assert_eq!(up().await, Some(1.0));
    database.read_only(true).await;
    database.cut().await;
    let scrape = Scrape::of(&sidecar).await;
    assert_eq!(scrape.value("database_up"), Some(0.0));
    assert_eq!(scrape.value("database_readings_total{outcome=\"error\"}"), Some(0.0));
    assert_eq!(ready().await, "ready\ndatabase: read-only\n");

    database.read_only(false).await;
    // A session that can only read is not kept.
    assert_eq!(up().await, Some(1.0));
    database.run("ALTER TABLE audit_outbox ADD CONSTRAINT broken CHECK (false)").await;
    assert_eq!(up().await, Some(0.0));
    assert_eq!(ready().await, "ready\ndatabase: failing\n");
    database.run("ALTER TABLE audit_outbox DROP CONSTRAINT broken").await;
    assert_eq!(up().await, Some(1.0));
    database.run("DROP FUNCTION database_ready() CASCADE").await;
    assert_eq!(up().await, Some(1.0), "a schema of the release before does not have it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_between_two_scrapes_is_not_a_lost_database() {
    let database = Database::new().await;
    let sidecar = start(database.config()).await;
    Scrape::of(&sidecar).await;
    database.cut().await;
    let scrape = Scrape::of(&sidecar).await;
    assert_eq!(scrape.value("database_up"), Some(1.0));
    assert_eq!(scrape.value("database_readings_total{outcome=\"error\"}"), Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_scrapes_share_one_reading_and_wait_no_longer_than_its_timeout() {
    // It accepts connections and never responds.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config(&format!("postgres://metrics@{}/itemsdb", listener.local_addr().unwrap()));
    config.database_timeout = Duration::from_secs(1);
    let sidecar = start(config).await;
    let begin = Instant::now();
    let scrapes = join_all((0..20).map(|_| Scrape::of(&sidecar))).await;
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    // The first reading, and at most one more for scrapes that arrived when it was ending.
    let readings = scrapes.iter().map(|scrape| scrape.value("database_readings_total{outcome=\"error\"}").unwrap());
    assert!(readings.clone().all(|count| (1.0..=2.0).contains(&count)), "{:?}", readings.collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_file_is_read_for_each_connection() {
    let database = Database::new().await;
    let (url, password) = database.url_and_password();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "wrong\n").unwrap();
    let mut config = config(&url);
    config.database.password = Password::File(file.clone());
    let sidecar = start(config).await;
    assert_eq!(Scrape::of(&sidecar).await.value("database_up"), Some(0.0));
    std::fs::write(&file, format!("{password}\n")).unwrap();
    assert_eq!(Scrape::of(&sidecar).await.value("database_up"), Some(1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_outbox_is_reported_without_counting_its_rows() {
    let database = Database::new().await;
    database
        .run(
            "INSERT INTO audit_outbox (event_id, action, outcome, request_id, occurred_at)
             SELECT gen_random_uuid(), 'get', 'ok', 'r', clock_timestamp() - interval '100 s'
               FROM generate_series(1, 25000)",
        )
        .await;
    let sidecar = start(database.config()).await;
    let scrape = eventually("the outbox", &sidecar, |scrape| scrape.value("database_up") == Some(1.0)).await;
    assert_eq!(scrape.value("audit_outbox_events"), Some(25_000.0));
    assert!((100.0..200.0).contains(&scrape.value("audit_outbox_oldest_seconds").unwrap()));
}
