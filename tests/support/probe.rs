//! The probe: a component that does what a request tells it to, beside the real components or instead of audit.

use std::path::PathBuf;

use toml::Table;

use crate::manifest::root;
use crate::{App, Builder, Manifest};

impl Builder {
    /// Adds the probe under `/probe/`; `allowed` are the hosts that it may call.
    pub fn with_probe(self, allowed: &[String]) -> Builder {
        self.manifest(|manifest| {
            let grants = [("allowed_outbound_hosts".to_owned(), allowed.to_vec().into())];
            manifest.table("component").insert("probe".into(), Table::from_iter(grants).into());
            manifest.source("probe", &wasm());
            manifest.add_route("/probe/...", "probe");
        })
    }

    /// Runs the probe instead of audit. `events` is what it does with each event: `fail`, `refuse`, `trap` or `hang`.
    pub fn probe_as_audit(self, events: &str) -> Builder {
        self.manifest(|manifest| manifest.probe_as_audit(events))
    }
}

impl Manifest {
    /// Does the same as [`Builder::probe_as_audit`].
    pub fn probe_as_audit(&mut self, events: &str) {
        self.source("audit", &wasm());
        let variables = self.component("audit")["variables"].as_table_mut().expect("a table");
        variables.insert("events".into(), events.into());
    }
}

impl App {
    /// Asks the probe for something: `what` is path and query below `/probe/`. Returns the status, and the body or the
    /// error that cut it short.
    pub async fn probe(&self, what: &str) -> (u16, Result<String, reqwest::Error>) {
        let response = self.http().get(self.url(&format!("/probe/{what}"))).send().await;
        let response = response.unwrap_or_else(|error| panic!("{what}: no response: {error:?}"));
        (response.status().as_u16(), response.text().await)
    }

    /// The body of such a response, which must be complete and have the status 200.
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
