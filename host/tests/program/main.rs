//! How the host starts, stops and is used from the command line. What components and clients see of it, here and under
//! Spin: `tests/suite/host_contract`.

mod command;
mod start;
mod support;
