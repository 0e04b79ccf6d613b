//! The database's values as metrics.

use std::fmt::Error;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::Status;
use super::reading::Reading;
use crate::lock;
use crate::metrics::exposition::{Buckets, Exposition, Family};
use crate::metrics::labels::{OPERATIONS, OTHER, ROLES};

impl Collector for Status {
    /// Before the first successful reading there are no values: absent is not zero.
    fn encode(&self, encoder: DescriptorEncoder) -> Result<(), Error> {
        let (up, took, counts, values) = {
            let inner = lock(&self.0);
            let counts = [("ok", inner.succeeded), ("error", inner.failed)];
            (inner.up, inner.took, counts, inner.values.clone())
        };
        let out = &mut Exposition(encoder);
        if let Some((_, reading)) = &values {
            items(out, reading)?;
            audit(out, reading)?;
            server(out, reading)?;
        }
        out.gauge(
            Family::new("database_up", "1 when the last reading of the database succeeded."),
            i64::from(up == Some(true)),
        )?;
        out.counters(
            Family::new(
                "database_readings",
                "Readings of the database: one per scrape, or per group of scrapes at the same time.",
            ),
            counts.map(|(outcome, count)| (vec![("outcome", outcome)], count)),
        )?;
        out.gauge(
            Family::seconds("database_reading", "How long the last reading of the database took, well or not."),
            took.as_secs_f64(),
        )?;
        if let Some((at, _)) = &values {
            out.gauge(
                Family::seconds("database_values_age", "How long ago the values from the database were read."),
                at.elapsed().as_secs_f64(),
            )?;
        }
        Ok(())
    }
}

/// What the audit trail says about items and operations.
fn items(out: &mut Exposition, reading: &Reading) -> Result<(), Error> {
    let created = reading.events("create", Some("ok"));
    out.counter(Family::new("items_created", "Items created, once each."), unsigned(created))?;
    out.counter(
        Family::new("items_retrieved", "Items selected for answers, by id or in lists."),
        unsigned(reading.sum(|total| total.items)),
    )?;
    let operations = OPERATIONS.iter().flat_map(|(operation, outcomes)| {
        outcomes.iter().map(move |outcome| {
            let events = reading.events(operation, Some(outcome));
            (vec![("operation", *operation), ("outcome", *outcome)], unsigned(events))
        })
    });
    out.counters(
        Family::new(
            "items_operations",
            "Operations on items, by what became of them; those that validation refused are none.",
        ),
        operations,
    )?;
    out.gauge(
        Family::new(
            "items_stored",
            "Items there are: created less deleted, as far as their audit events have been stored.",
        ),
        created - reading.events("delete", Some("ok")),
    )
}

/// Outbox, relay and trail.
fn audit(out: &mut Exposition, reading: &Reading) -> Result<(), Error> {
    out.counters(
        Family::new("audit_events_processed", "Audit events stored in the trail, once each."),
        OPERATIONS.map(|(action, _)| (vec![("action", action)], unsigned(reading.events(action, None)))),
    )?;
    let pipeline = &reading.pipeline;
    let bounds = pipeline.delay_bounds.iter().copied().chain([f64::MAX]);
    let counts = bounds.enumerate().map(|(bucket, bound)| {
        let count = reading.sum(|total| total.delays.get(bucket).copied().unwrap_or(0));
        (bound, unsigned(count))
    });
    let delivery =
        Buckets { counts: counts.collect(), sum: reading.totals.iter().map(|total| total.delay_seconds).sum() };
    out.histograms(
        Family::seconds("audit_delivery", "From an operation to its audit event in the trail."),
        [(vec![], delivery)],
    )?;
    out.gauge(
        Family::new(
            "audit_outbox_events",
            "Audit events not yet handed on: exact up to 10000, beyond that the span of their sequence numbers.",
        ),
        pipeline.waiting,
    )?;
    out.gauge(
        Family::seconds(
            "audit_outbox_oldest",
            "Age of the oldest audit event not yet handed on; 0 when there is none.",
        ),
        pipeline.oldest_seconds,
    )?;
    out.gauge(
        Family::new(
            "audit_refused_events",
            "Audit events that were refused for good and left the queue, counted up to 10001.",
        ),
        pipeline.refused,
    )?;
    out.gauge(
        Family::new("audit_relay_failures", "Deliveries that failed in a row; 0 after one that succeeded."),
        pipeline.failures,
    )
}

fn server(out: &mut Exposition, reading: &Reading) -> Result<(), Error> {
    out.gauge(Family::bytes("database_size", "The database on disk."), reading.size)?;
    let tables = |value: fn(&super::reading::Table) -> i64| {
        reading.tables.iter().map(move |table| (vec![("table", table.name)], value(table)))
    };
    out.gauges(
        Family::bytes("database_table_size", "A table on disk, with its indexes."),
        tables(|table| table.bytes),
    )?;
    out.gauges(
        Family::new("database_table_rows", "Rows of a table, as autovacuum estimates them."),
        tables(|table| table.rows),
    )?;
    out.gauges(
        Family::new("database_table_dead_rows", "Rows of a table that wait for autovacuum, as it estimates them."),
        tables(|table| table.dead_rows),
    )?;
    let connections = ROLES.iter().chain([&OTHER]).map(|role| {
        let of_role = reading.connections.iter().filter(|(name, _)| name == role);
        (vec![("role", *role)], of_role.map(|(_, count)| count).sum::<i64>())
    });
    out.gauges(Family::new("database_connections", "Connections to the database server, by role."), connections)?;
    out.gauge(
        Family::new(
            "database_connections_allowed",
            "Connections that roles which are no superusers may have together.",
        ),
        reading.connections_allowed,
    )?;
    let functions = || reading.functions.iter();
    out.counters(
        Family::new("database_function_calls", "Calls of a function, since the statistics of the server began."),
        functions().map(|function| (vec![("function", function.name)], unsigned(function.calls))),
    )?;
    out.counters(
        Family::seconds(
            "database_function",
            "Time in a function, with what it calls, since the statistics of the server began.",
        ),
        functions().map(|function| (vec![("function", function.name)], function.seconds)),
    )
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}
