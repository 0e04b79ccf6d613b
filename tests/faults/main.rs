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
mod logs;
mod overload;
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

use tokio::sync::Mutex;

/// The round of `make test`.
const SEED: u64 = 1;

/// Each of these tests has the machine for itself.
static ALONE: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_nothing_that_was_acknowledged_is_lost_and_nothing_is_there_twice() {
    let _alone = ALONE.lock().await;
    let minutes = number("MINUTES").unwrap_or(0);
    run::run(number("SEED").unwrap_or(SEED), Duration::from_secs(60 * minutes)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_times_what_can_be_done_is_shed_in_time_and_forgotten_in_seconds() {
    let _alone = ALONE.lock().await;
    overload::run(Duration::from_secs(if number("MINUTES").is_some() { 60 } else { 3 })).await;
}

/// A number in the environment.
fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}, not a number")))
}

/// Past the test harness, which keeps what `println!` prints to itself.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "faults: {line}");
}
