//! The audit trail, and whether it is complete.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};

use crate::TestDatabase;

/// A row of `audit_logs`, as far as tests look at it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Audited {
    /// `create`, `list`, `get`, `update` or `delete`.
    pub action: String,
    /// What came of it, as in `ok` or `not_found`.
    pub outcome: String,
    /// The item it was about.
    pub item_id: Option<i64>,
    /// The request's id.
    pub request_id: String,
    /// The caller's trace.
    pub trace_id: Option<String>,
    /// The caller's name, from a trusted proxy.
    pub actor: Option<String>,
    /// Address and port of the connection.
    pub client_addr: Option<String>,
    /// What changed, or how many items were returned.
    pub details: Value,
}

/// An event as items sends it to audit; the number is in its id and in its request id.
pub fn event(number: usize) -> Value {
    json!({
        "event_id": format!("00000000-0000-4000-8000-{number:012}"), "action": "get", "outcome": "ok", "item_id": 7,
        "request_id": format!("request-{number}"), "trace_id": null, "actor": null, "client_addr": "127.0.0.1:9",
        "occurred_at": "2026-11-21T10:00:00.123456Z", "details": { "items": 1 }
    })
}

impl TestDatabase {
    /// The trail, in the order in which things happened.
    pub async fn trail(&self) -> Vec<Audited> {
        let rows: Vec<String> = self.values("SELECT to_jsonb(l)::text FROM audit_logs l ORDER BY created_at, id").await;
        rows.iter().map(|row| serde_json::from_str(row).unwrap_or_else(|error| panic!("{error} in {row}"))).collect()
    }

    /// How often each action and outcome is in the trail, as in `"create ok"`.
    pub async fn tally(&self) -> BTreeMap<String, i64> {
        let query = "SELECT action || ' ' || outcome, count(*) FROM audit_logs GROUP BY 1";
        sqlx::query_as(query).fetch_all(self.superuser()).await.expect("count audit_logs").into_iter().collect()
    }

    /// Compares the trail with the operations that got a response: each of their request ids is in it once, and no
    /// other; no event was refused; `audit_totals` is right.
    #[track_caller]
    pub fn check_trail(&self, requests: impl IntoIterator<Item = String>) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        let sent: BTreeSet<String> = requests.into_iter().collect();
        async move {
            let stored: Vec<String> = self.values("SELECT request_id FROM audit_logs").await;
            let distinct: BTreeSet<String> = stored.iter().cloned().collect();
            assert_eq!(stored.len(), distinct.len(), "{caller}: an event is stored twice");
            let missing: Vec<_> = sent.difference(&distinct).collect();
            let foreign: Vec<_> = distinct.difference(&sent).collect();
            assert!(missing.is_empty() && foreign.is_empty(), "{caller}: missing {missing:?}, not sent {foreign:?}");
            assert_eq!(self.count("audit_refused").await, 0, "{caller}: an event was refused");
            self.check_totals().await;
        }
    }

    /// Compares `audit_totals` with `audit_logs`.
    pub async fn check_totals(&self) {
        let differing = differing_totals(self.superuser()).await.expect("compare audit_totals");
        assert!(differing.is_empty(), "audit_totals differs from audit_logs in {differing:?}");
    }
}

/// The rows in which `audit_totals` and `audit_logs` differ, and delay buckets that do not add up to their events.
///
/// # Errors
/// If the database cannot be read.
pub async fn differing_totals(superuser: &PgPool) -> sqlx::Result<Vec<String>> {
    let counted = "SELECT action, outcome, count(*) AS events, coalesce(sum((details ->> 'items')::bigint), 0)::bigint AS items FROM audit_logs GROUP BY 1, 2";
    let kept = "SELECT action, outcome, events, items FROM audit_totals";
    let delays = "SELECT action || ' ' || outcome || ': the delay buckets do not add up' FROM audit_totals
                   WHERE events <> (SELECT sum(delay) FROM unnest(delays) AS delay)";
    let differing = format!(
        "SELECT d::text FROM ((({counted}) EXCEPT ({kept})) UNION ALL (({kept}) EXCEPT ({counted}))) d UNION ALL {delays}"
    );
    sqlx::query_scalar(AssertSqlSafe(differing)).fetch_all(superuser).await
}
