//! What the database holds, read at one moment.

use sqlx::postgres::PgRow;
use sqlx::{Connection, Executor, FromRow, PgConnection, Row};

/// An event, wherever it is.
#[derive(Clone, Debug)]
pub struct Event {
    pub event_id: String,
    pub action: String,
    pub outcome: String,
    pub item_id: Option<i64>,
    pub request_id: String,
    /// Of its item, where the event says it.
    pub version: Option<i64>,
    /// `trail`, `refused` or `outbox`.
    pub place: String,
}

#[derive(Clone, Debug)]
pub struct Item {
    pub id: i64,
    pub name: String,
    pub description: String,
    pub version: i64,
}

pub struct Tables {
    pub events: Vec<Event>,
    pub items: Vec<Item>,
    /// Idempotency keys and the items they created.
    pub keys: Vec<(String, i64)>,
}

const EVENTS: &str = "
    SELECT event_id::text, action, outcome, item_id, request_id, (details ->> 'version')::bigint AS version, 'trail' AS place
      FROM audit_logs
    UNION ALL
    SELECT event_id::text, event ->> 'action', event ->> 'outcome', (event ->> 'item_id')::bigint, event ->> 'request_id',
           (event -> 'details' ->> 'version')::bigint, 'refused' FROM audit_refused
    UNION ALL
    SELECT event_id::text, action, outcome, item_id, request_id, (details ->> 'version')::bigint, 'outbox' FROM audit_outbox";

impl Tables {
    pub async fn read(connection: &mut PgConnection) -> sqlx::Result<Tables> {
        let mut moment = connection.begin().await?;
        moment.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
        let events = sqlx::query_as(EVENTS).fetch_all(&mut *moment).await?;
        let items = sqlx::query_as("SELECT id, name, description, version FROM items").fetch_all(&mut *moment).await?;
        let keys = sqlx::query_as("SELECT key, item_id FROM idempotency").fetch_all(&mut *moment).await?;
        moment.commit().await?;
        Ok(Tables { events, items, keys })
    }
}

impl FromRow<'_, PgRow> for Event {
    fn from_row(row: &PgRow) -> sqlx::Result<Event> {
        Ok(Event {
            event_id: row.try_get("event_id")?,
            action: row.try_get("action")?,
            outcome: row.try_get("outcome")?,
            item_id: row.try_get("item_id")?,
            request_id: row.try_get("request_id")?,
            version: row.try_get("version")?,
            place: row.try_get("place")?,
        })
    }
}

impl FromRow<'_, PgRow> for Item {
    fn from_row(row: &PgRow) -> sqlx::Result<Item> {
        Ok(Item {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            description: row.try_get("description")?,
            version: row.try_get("version")?,
        })
    }
}
