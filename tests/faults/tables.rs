//! What the database holds, read at one moment.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use sqlx::{Connection, Executor, PgConnection};

/// An event, wherever it is.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    pub event_id: String,
    pub action: String,
    pub outcome: String,
    pub item_id: Option<i64>,
    pub request_id: String,
    /// The version of its item, if the event has it.
    pub version: Option<i64>,
    /// `trail`, `refused` or `outbox`.
    pub place: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Item {
    pub id: i64,
    pub name: String,
    pub description: String,
    pub version: i64,
}

/// All rows that the checker needs.
pub struct Tables {
    pub events: Vec<Event>,
    pub items: Vec<Item>,
    /// Idempotency keys and the items they created.
    pub keys: Vec<(String, i64)>,
}

const EVENTS: &str = "
    SELECT to_json(e)::text FROM (
        SELECT event_id, action, outcome, item_id, request_id, (details ->> 'version')::bigint AS version, 'trail' AS place
          FROM audit_logs
        UNION ALL
        SELECT event_id, event ->> 'action', event ->> 'outcome', (event ->> 'item_id')::bigint, event ->> 'request_id',
               (event -> 'details' ->> 'version')::bigint, 'refused' FROM audit_refused
        UNION ALL
        SELECT event_id, action, outcome, item_id, request_id, (details ->> 'version')::bigint, 'outbox' FROM audit_outbox
    ) e";

const ITEMS: &str = "SELECT to_json(i)::text FROM (SELECT id, name, description, version FROM items) i";

impl Tables {
    /// Reads them in one transaction.
    pub async fn read(connection: &mut PgConnection) -> sqlx::Result<Tables> {
        let mut moment = connection.begin().await?;
        moment.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
        let events = decode(sqlx::query_scalar(EVENTS).fetch_all(&mut *moment).await?);
        let items = decode(sqlx::query_scalar(ITEMS).fetch_all(&mut *moment).await?);
        let keys = sqlx::query_as("SELECT key, item_id FROM idempotency").fetch_all(&mut *moment).await?;
        moment.commit().await?;
        Ok(Tables { events, items, keys })
    }
}

fn decode<T: DeserializeOwned>(rows: Vec<String>) -> Vec<T> {
    rows.iter().map(|row| serde_json::from_str(row).unwrap_or_else(|error| panic!("{error} in {row}"))).collect()
}
