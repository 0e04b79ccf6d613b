//! What is only about the embedded host: its limits, and what it refuses by name. Spin has no such behaviour, so these tests
//! are left out with `HOST=spin`. Its start and its command line: `host/tests`.

mod calls;
mod database;
mod execution;
mod instances;
mod overload;
mod requests;
mod responses;
mod shutdown;
mod spans;
