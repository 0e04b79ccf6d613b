//! Everything fails, alone and in pairs, while clients work. Afterwards every response they received is checked against
//! the database.
//!
//! Findings are collected and reported together at the end. A part of the system that cannot be started or stopped
//! panics.
//!
//! `make chaos` runs it for `MINUTES` from `SEED`; `make test` runs one short round with a fixed seed.
//!
//! # Layout
//! - `run`: rounds of faults under load, each followed by a comparison
//! - `overload`: ten times the load that can be served
//! - `system`: what a run consists of, and how it is repaired: `hosts` and `host`, `server` and `volume`, `proxy`,
//!   `sidecar`, `clock`, `logs`
//! - `client`, `load`, `history`: what clients do, what they saw, and what was found to be wrong
//! - `schedule`, `fault`: which fault happens when, and what each one does
//! - `settle`, `tables`, `checker`: what is compared with what after a round

mod checker;
mod client;
mod clock;
mod fault;
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
mod system;
mod tables;
mod volume;

use std::env;
use std::io::Write;
use std::time::Duration;

use tokio::sync::Mutex;

/// The seed of `make test`.
const SEED: u64 = 1;

/// Only one of these tests runs at a time.
static ALONE: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_stored_twice_whatever_fails() {
    let _alone = ALONE.lock().await;
    let minutes = number("MINUTES").unwrap_or(0);
    run::run(number("SEED").unwrap_or(SEED), Duration::from_secs(60 * minutes)).await;
}

/// Left out with `HOST=spin`: Spin has no limit of its own.
mod embedded_host {
    use super::{ALONE, Duration, number, overload};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn under_ten_times_the_usual_load_it_sheds_serves_the_rest_in_time_and_recovers_in_seconds() {
        let _alone = ALONE.lock().await;
        overload::run(Duration::from_secs(if number("MINUTES").is_some() { 60 } else { 3 })).await;
    }
}

/// A number in the environment.
fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}, not a number")))
}

/// Prints a line. The test harness captures what `println!` prints, but not this.
fn report(line: &str) {
    let _ = writeln!(std::io::stderr(), "faults: {line}");
}
