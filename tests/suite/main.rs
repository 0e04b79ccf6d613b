//! The whole suite in one program, one module per subject.

mod api;
mod audit;
mod bad_input;
mod components;
mod conditional;
mod contract;
mod host_calls;
mod host_contract;
mod idempotency;
mod isolation;
mod logs;
mod private;
mod relay;
mod retention;
mod roles;
mod schema;
mod security;
mod spans;
mod streaming;
