//! What lies in `observability/`: rules, dashboards, log collection and run book load, name only what exists, and fit together.

mod dashboards;
mod files;
mod logs;
mod promql;
mod rules;
mod series;
