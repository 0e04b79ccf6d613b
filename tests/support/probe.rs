//! The probe: a guest that does what a request tells it to, beside the real components or in the place of one.

use std::path::PathBuf;

use toml::{Table, Value};

use crate::manifest::root;
use crate::{App, Builder, Manifest};

impl Builder {
    /// Adds the probe under `/probe/`; `allowed` are the hosts that it may call.
    pub fn with_probe(self, allowed: &[String]) -> Builder {
        self.manifest(|manifest| {
            let mut component = Table::new();
            component.insert("source".into(), "".into());
            component.insert("allowed_outbound_hosts".into(), allowed.to_vec().into());
            manifest.table("component").insert("probe".into(), component.into());
            manifest.source("probe", &wasm());
            let trigger =
                Table::from_iter([("route".into(), Value::from("/probe/...")), ("component".into(), "probe".into())]);
            let triggers = manifest.table("trigger")["http"].as_array_mut().expect("HTTP triggers");
            triggers.push(trigger.into());
        })
    }

    /// Runs the probe in the place of audit. It does with every event what `events` says: `fail`, `refuse`, `trap` or `hang`.
    pub fn probe_as_audit(self, events: &str) -> Builder {
        self.manifest(|manifest| manifest.probe_as_audit(events))
    }
}

impl Manifest {
    /// As [`Builder::probe_as_audit`].
    pub fn probe_as_audit(&mut self, events: &str) {
        self.source("audit", &wasm());
        let variables = self.component("audit")["variables"].as_table_mut().expect("a table");
        variables.insert("events".into(), events.into());
    }
}

impl App {
    /// Has the probe do something: its path and query below `/probe/`. Gives status and body; a body cut short is an error.
    pub async fn probe(&self, what: &str) -> (u16, Result<String, reqwest::Error>) {
        let answer = self.http().get(self.url(&format!("/probe/{what}"))).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{what}: no answer: {error:?}"));
        (answer.status().as_u16(), answer.text().await)
    }

    /// What the probe says about something that it can answer for.
    ///
    /// # Panics
    /// When it is stopped on the way.
    pub async fn probe_says(&self, what: &str) -> String {
        match self.probe(what).await {
            (200, Ok(text)) => text,
            other => panic!("{what}: {other:?}"),
        }
    }
}

fn wasm() -> PathBuf {
    root().join("target/wasm32-wasip1/release/probe.wasm")
}
