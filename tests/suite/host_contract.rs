//! The contract with components, which the table in `host/README.md` lists: components and clients see what they see under
//! Spin 3.6.3. A file per part of the table; its part on spans is tested in `operation/spans.rs`.

pub mod calls;
pub mod database;
mod instances;
pub mod probes;
mod requests;
mod responses;
mod table;
