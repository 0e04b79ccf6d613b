//! Whether the trail is whole.

use std::collections::BTreeSet;

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
        let counted = "SELECT action, outcome, count(*) AS events, coalesce(sum((details ->> 'items')::bigint), 0)::bigint AS items FROM audit_logs GROUP BY 1, 2";
        let kept = "SELECT action, outcome, events, items FROM audit_totals";
        let differing =
            format!("SELECT d::text FROM ((({counted}) EXCEPT ({kept})) UNION ALL (({kept}) EXCEPT ({counted}))) d");
        let differing: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(differing))
            .fetch_all(self.look())
            .await
            .expect("compare audit_totals");
        assert!(differing.is_empty(), "audit_totals differs from audit_logs in {differing:?}");
        let delays =
            "SELECT count(*) FROM audit_totals WHERE events <> (SELECT sum(delay) FROM unnest(delays) AS delay)";
        let unequal: i64 = sqlx::query_scalar(delays).fetch_one(self.look()).await.expect("add up the delays");
        assert_eq!(unequal, 0, "delay buckets do not add up to the events");
    }
}
