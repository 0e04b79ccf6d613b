//! A trail, a sidecar that signs its heads, and somebody who keeps them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use sidecar::trail::verify::{Report, keys, verify};
use sidecar::trail::{Head, notes};
use sidecar::{Config, Sidecar};
use tempfile::TempDir;

use super::database::Database;
use super::{GRACE, SOON, Scrape, get, start};

/// What an owner of the database runs before an attack: no trigger stops it.
const OWNER: &str = "SET session_replication_role = replica;";

/// Computes the whole tree again from the events that are there.
pub const REWRITE: &str = "DO $$ DECLARE b audit_batches; BEGIN
    CREATE TEMP TABLE before AS SELECT * FROM audit_batches;
    DELETE FROM audit_batches;
    UPDATE audit_tree SET size = 0, edge = '{}';
    FOR b IN SELECT * FROM before ORDER BY batch LOOP
        IF b.events > 0 THEN
            SELECT min(id), max(id), count(*), min(created_at), max(created_at), sha256(string_agg(audit_digest(
                       id, event_id, action, outcome, item_id, request_id, trace_id, created_at, stored_at,
                       audit_commitment(salt, actor, client_addr, details)), '' ORDER BY id))
              INTO b.first_id, b.last_id, b.events, b.oldest, b.newest, b.digest
              FROM audit_logs WHERE id BETWEEN b.first_id AND b.last_id;
            CONTINUE WHEN b.events = 0;
        END IF;
        PERFORM audit_append(b);
    END LOOP;
END $$;";

pub struct Trail {
    pub database: Database,
    pub sidecar: Option<Sidecar>,
    folder: TempDir,
    /// The checkpoints that somebody keeps.
    pub kept: Vec<String>,
}

impl Trail {
    /// With a batch of two events, of item 1 and 2, and a batch of three; nothing is signed yet.
    pub async fn new() -> Self {
        let (database, folder) = (Database::new().await, tempfile::tempdir().unwrap());
        let random = std::fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap().trim().replace('-', "");
        std::fs::write(folder.path().join("seed"), random.repeat(2)).unwrap();
        let trail = Self { database, sidecar: None, folder, kept: Vec::new() };
        trail.store(&[1, 2]).await;
        trail.store(&[1, 2, 3]).await;
        trail
    }

    /// The same with a running sidecar, and its head kept.
    pub async fn signed() -> Self {
        let mut trail = Self::new().await;
        trail.start().await;
        trail.keep().await;
        trail
    }

    /// The file in which the sidecar keeps `name`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("kept").join(name)
    }

    pub fn config(&self) -> Config {
        let (key, folder) = (self.folder.path().join("seed"), self.folder.path().join("kept"));
        let every = Duration::from_millis(50);
        let trail = sidecar::Trail { key, folder, origin: "test/audit".into(), every };
        Config { trail: Some(trail), ..self.database.config() }
    }

    pub async fn start(&mut self) {
        self.sidecar = Some(start(self.config()).await);
    }

    pub async fn stop(&mut self) {
        self.sidecar.take().expect("a running sidecar").shutdown(GRACE).await;
    }

    /// Stores a batch with an event of each of these items.
    pub async fn store(&self, items: &[u32]) {
        let events: Vec<_> = items
            .iter()
            .map(|item| format!("jsonb_build_object('event_id', gen_random_uuid(), 'action', 'get', 'outcome', 'ok', 'item_id', {item}, 'request_id', 'r', 'actor', 'jane', 'client_addr', '[::1]:9', 'occurred_at', now() - interval '1 day', 'details', '{{\"name\": \"lamp\"}}'::jsonb)"))
            .collect();
        self.database.run(&format!("SELECT audit_store(jsonb_build_array({})::text)", events.join(", "))).await;
    }

    /// What only an owner of the database can do.
    pub async fn attack(&self, sql: &str) {
        self.database.run(&format!("{OWNER} {sql}")).await;
    }

    /// Runs SQL as an administrator who has taken the role `retention`.
    pub async fn retention(&self, sql: &str) {
        self.database.run(&format!("SET ROLE retention; {sql}")).await;
    }

    /// Waits until a sidecar reports `forked`, after a comparison that began after this call.
    pub async fn becomes_forked(&self, forked: bool) {
        let sidecar = self.sidecar.as_ref().expect("a running sidecar");
        let start = Instant::now();
        loop {
            let scrape = Scrape::of(sidecar).await;
            let age = scrape.value("audit_trail_compared_age_seconds").unwrap_or(f64::MAX);
            let since = start.elapsed().as_secs_f64();
            // The one before may have begun before the attack.
            let fresh = since > 0.3 && age < since - 0.2;
            if fresh && scrape.value("audit_trail_forked") == Some(f64::from(u8::from(forked))) {
                return;
            }
            assert!(start.elapsed() < SOON, "forked is not {forked}:\n{}", scrape.0);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the head covers all batches, keeps it and returns it.
    pub async fn keep(&mut self) -> Head {
        let size: u64 = self.database.value("SELECT size::text FROM audit_tree").await.parse().unwrap();
        let sidecar = self.sidecar.as_ref().expect("a running sidecar");
        let start = Instant::now();
        loop {
            let text = get(sidecar.metrics_address(), "/checkpoint").await.text().await.unwrap();
            if let Some(note) = notes(&text).pop()
                && let Some(head) = Head::read(&note).ok().filter(|head| head.size >= size)
            {
                self.kept.push(note);
                return head;
            }
            assert!(start.elapsed() < SOON, "no head of {size} batches: {text}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The key that the sidecar hands out.
    pub fn key(&self) -> String {
        std::fs::read_to_string(self.file("key.pub")).unwrap()
    }

    pub async fn verify(&self) -> Report {
        self.verify_with(&self.key(), &self.kept).await
    }

    pub async fn verify_with(&self, key: &str, heads: &[String]) -> Report {
        verify(&self.database.auditor_url().await, &keys(key).unwrap(), heads, |_| ()).await.unwrap()
    }

    /// What is printed when the trail is verified.
    pub async fn verdict(&self) -> String {
        self.verify().await.to_string()
    }
}
