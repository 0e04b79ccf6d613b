//! The database's values as metrics.

use std::fmt::Error;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::reading::{Reading, Table};
use super::status::{Inner, Status};
use crate::metrics::exposition::{Buckets, Exposition};
use crate::metrics::known::{OPERATIONS, OTHER, ROLES};

impl Collector for Status {
    /// Before the first successful reading there are no values: absent is not zero.
    fn encode(&self, encoder: DescriptorEncoder) -> Result<(), Error> {
        let Inner { state, took, succeeded, failed, values } = self.get();
        let out = &mut Exposition(encoder);
        if let Some((read_at, reading)) = &values {
            items(out, reading)?;
            audit(out, reading)?;
            server(out, reading)?;
            let age = read_at.elapsed().as_secs_f64();
            out.gauge("database_values_age_seconds", "Time since the values from the database were read.", age)?;
        }
        let up = i64::from(state == Some("ok"));
        out.gauge(
            "database_up",
            "1 if the last reading of the database found that operations can be done, else 0.",
            up,
        )?;
        out.counters(
            "database_readings",
            "Readings of the database, by outcome. Simultaneous scrapes share one reading.",
            [("ok", succeeded), ("error", failed)].map(|(outcome, count)| (vec![("outcome", outcome)], count)),
        )?;
        out.gauge(
            "database_reading_seconds",
            "Duration of the last reading of the database, successful or not.",
            took.as_secs_f64(),
        )
    }
}

/// Items and operations, as the audit trail counts them.
fn items(out: &mut Exposition, reading: &Reading) -> Result<(), Error> {
    let created = reading.events("create", Some("ok"));
    out.counter("items_created", "Items created, each counted once. Lower only after a restore.", unsigned(created))?;
    let retrieved = unsigned(reading.sum(|total| total.items));
    out.counter(
        "items_retrieved",
        "Items read for responses, by id or in lists. Lower only after a restore.",
        retrieved,
    )?;
    let operations = OPERATIONS.iter().flat_map(|(operation, outcomes)| {
        outcomes.iter().map(move |outcome| {
            let events = reading.events(operation, Some(outcome));
            (vec![("operation", *operation), ("outcome", *outcome)], unsigned(events))
        })
    });
    let help = "Operations on items, by outcome, without requests that fail validation. Lower only after a restore.";
    out.counters("items_operations", help, operations)?;
    let deleted = reading.events("delete", Some("ok"));
    out.gauge("items_stored", "Items created minus items deleted, according to the audit trail.", created - deleted)
}

/// Outbox, relay and audit trail.
fn audit(out: &mut Exposition, reading: &Reading) -> Result<(), Error> {
    let processed = OPERATIONS.map(|(action, _)| (vec![("action", action)], unsigned(reading.events(action, None))));
    out.counters(
        "audit_events_processed",
        "Audit events stored in the trail, each counted once. Lower only after a restore.",
        processed,
    )?;
    let bounds = reading.delay_bounds.iter().copied().chain([f64::MAX]).enumerate();
    let count = |bucket| unsigned(reading.sum(|total| total.delays.get(bucket).copied().unwrap_or(0)));
    let delays = Buckets {
        counts: bounds.map(|(bucket, bound)| (bound, count(bucket))).collect(),
        sum: reading.totals.iter().map(|total| total.delay_seconds).sum(),
    };
    out.histogram(
        "audit_delivery_seconds",
        "Time from an operation to its event in the trail. Counts are lower only after a restore.",
        delays,
    )?;
    out.gauge(
        "audit_outbox_events",
        "Audit events in the outbox: exact up to 10000, above that the range of their sequence numbers.",
        reading.outbox_events,
    )?;
    out.gauge(
        "audit_outbox_oldest_seconds",
        "Age of the oldest audit event in the outbox; 0 if the outbox is empty.",
        reading.outbox_oldest_seconds,
    )?;
    out.gauge(
        "audit_refused_events",
        "Audit events that audit refused and the relay took out of the outbox, counted up to 10001.",
        reading.refused_events,
    )?;
    out.gauge(
        "audit_relay_failures",
        "Failed deliveries to audit since the last successful one.",
        reading.relay_failures,
    )
}

/// The database server.
fn server(out: &mut Exposition, reading: &Reading) -> Result<(), Error> {
    out.gauge("database_size_bytes", "Size of the database on disk.", reading.size)?;
    let tables =
        |value: fn(&Table) -> i64| reading.tables.iter().map(move |table| (vec![("table", table.name)], value(table)));
    let size = tables(|table| table.bytes);
    out.gauges("database_table_size_bytes", "Size of a table on disk, including indexes.", size)?;
    out.gauges("database_table_rows", "Rows of a table, as autovacuum estimates.", tables(|table| table.rows))?;
    let dead = tables(|table| table.dead_rows);
    out.gauges("database_table_dead_rows", "Dead rows of a table, as autovacuum estimates.", dead)?;
    let connections = ROLES.iter().chain([&OTHER]).map(|role| {
        let of_role = reading.connections.iter().filter(|(name, _)| name == role);
        (vec![("role", *role)], of_role.map(|(_, count)| count).sum::<i64>())
    });
    out.gauges("database_connections", "Connections to the database server, by role.", connections)?;
    out.gauge(
        "database_connections_allowed",
        "The largest number of connections that roles other than superusers can have together.",
        reading.connections_allowed,
    )?;
    let functions = || reading.functions.iter().map(|function| (vec![("function", function.name)], function));
    out.counters(
        "database_function_calls",
        "Calls of a function since the server's statistics were reset.",
        functions().map(|(labels, function)| (labels, unsigned(function.calls))),
    )?;
    out.counters(
        "database_function_seconds",
        "Time in a function and its callees since the server's statistics were reset.",
        functions().map(|(labels, function)| (labels, function.seconds)),
    )
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}
