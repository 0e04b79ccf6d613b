//! Whether the trail is whole.

use std::collections::BTreeSet;

use sqlx::PgPool;

use crate::TestDatabase;

impl TestDatabase {
    /// Holds the trail against the operations that were answered: each of their request ids in it once, and nothing else.
    ///
    /// # Panics
    /// When an event is missing, stored twice or not of these requests, when one was refused, or when `audit_totals` disagrees.
    #[track_caller]
    pub fn check_trail(&self, requests: impl IntoIterator<Item = String>) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        let asked: BTreeSet<String> = requests.into_iter().collect();
        async move {
            let stored: Vec<String> = self.trail().await.into_iter().map(|row| row.request_id).collect();
            let distinct: BTreeSet<String> = stored.iter().cloned().collect();
            assert_eq!(stored.len(), distinct.len(), "{caller}: an event is stored twice");
            let missing: Vec<_> = asked.difference(&distinct).collect();
            let foreign: Vec<_> = distinct.difference(&asked).collect();
            assert!(
                missing.is_empty() && foreign.is_empty(),
                "{caller}: missing {missing:?}, not asked for {foreign:?}"
            );
            assert_eq!(self.count("audit_refused").await, 0, "{caller}: an event was refused");
            self.check_totals().await;
        }
    }

    /// Holds `audit_totals` against `audit_logs`.
    ///
    /// # Panics
    /// When they disagree in any number.
    pub async fn check_totals(&self) {
        let differing = differing_totals(self.look()).await.expect("compare audit_totals");
        assert!(differing.is_empty(), "audit_totals differs from audit_logs in {differing:?}");
    }
}

/// What `audit_totals` says and `audit_logs` does not, or the other way round; delay buckets that do not add up to their events.
pub async fn differing_totals(look: &PgPool) -> sqlx::Result<Vec<String>> {
    let counted = "SELECT action, outcome, count(*) AS events, coalesce(sum((details ->> 'items')::bigint), 0)::bigint AS items FROM audit_logs GROUP BY 1, 2";
    let kept = "SELECT action, outcome, events, items FROM audit_totals";
    let delays = "SELECT action || ' ' || outcome || ': the delay buckets do not add up' FROM audit_totals
                   WHERE events <> (SELECT sum(delay) FROM unnest(delays) AS delay)";
    let differing = format!(
        "SELECT d::text FROM ((({counted}) EXCEPT ({kept})) UNION ALL (({kept}) EXCEPT ({counted}))) d UNION ALL {delays}"
    );
    sqlx::query_scalar(sqlx::AssertSqlSafe(differing)).fetch_all(look).await
}
