//! Everything fails, singly and in pairs, while clients work; afterwards what they were told is held against the database.
//!
//! `make chaos` runs it with `SEED` for `MINUTES`; `make test` one short round with a fixed seed.

mod checker;
mod client;
mod clock;
mod fault;
mod findings;
mod history;
mod host;
mod hosts;
mod load;
mod proxy;
mod run;
mod schedule;
mod server;
mod settle;
mod sidecar;
mod tables;
mod volume;
mod world;

use std::env;
use std::io::Write;
use std::time::Duration;

/// The round of `make test`.
const SEED: u64 = 1;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_nothing_that_was_acknowledged_is_lost_and_nothing_is_there_twice() {
    let variable = |name| env::var(name).ok().filter(|text| !text.is_empty());
    let number = |name| {
        variable(name).map(|text| text.parse::<u64>().unwrap_or_else(|_| panic!("{name} is {text:?}, not a number")))
    };
    let seed = number("SEED").unwrap_or(SEED);
    let length = Duration::from_secs(60 * number("MINUTES").unwrap_or(0));
    run::run(seed, length).await;
}

/// Past the test harness, which keeps what `println!` prints to itself.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "faults: {line}");
}
