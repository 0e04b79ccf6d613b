//! The files of `observability/` load, use only series, labels and alerts that exist, and agree with each other.

mod dashboards;
mod files;
mod logs;
mod promql;
mod rules;
mod series;
