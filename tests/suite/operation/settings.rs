//! The settings of the database, which an administrator may change for other users of it.

use futures::future::join_all;
use support::{App, SOON, json};

/// Settings of which each changed or failed an operation, or the reading of a result, in a service that did not pin it.
const SETTINGS: [(&str, &str); 7] = [
    ("default_transaction_isolation", "serializable"),
    ("DateStyle", "SQL, DMY"),
    ("IntervalStyle", "sql_standard"),
    ("TimeZone", "Asia/Shanghai"),
    ("bytea_output", "escape"),
    ("extra_float_digits", "-15"),
    ("standard_conforming_strings", "off"),
];

#[tokio::test(flavor = "multi_thread")]
async fn no_setting_of_the_database_changes_an_operation() {
    let mut app = App::start().await;
    let database: String = app.database().value("SELECT current_database()::text").await;
    for (name, value) in SETTINGS {
        app.database().run(&format!("ALTER DATABASE {database} SET {name} = '{value}'")).await;
    }
    // The host connects again.
    app.restart_host().await;
    let item = app.create("bolt").await;
    let path = format!("/items/{}", item.id);
    for _ in 0..3 {
        let updates = join_all((0..8).map(async |_| app.put(&path, json!({ "name": "nut" })).await.status)).await;
        assert!(updates.iter().all(|status| *status == 200), "{updates:?}");
    }
    let tag = app.get(&path).await.header("etag").to_owned();
    assert_eq!(tag, app.database().tag(25).await);
    assert_eq!(app.get("/items?limit=5").await.items().len(), 1);
    app.delete(&path).await;
    app.audited(28, SOON).await;
    app.database().check_totals().await;
}
