//! What a component should not do.

use crate::response::{start, text};
use spin_sdk::http::{Fields, ResponseOutparam};
use std::time::{Duration, Instant};
use wasi::clocks::monotonic_clock;

const HOUR: u64 = 3_600_000;

/// Waits without using CPU time.
pub fn wait(ms: u64) {
    monotonic_clock::subscribe_duration(Duration::from_millis(ms).as_nanos() as u64).block();
}

/// Waits for an hour.
pub fn hang() {
    wait(HOUR);
}

/// Panics before the response, or after its head and a part of its body.
pub fn trap(out: ResponseOutparam, after: &str) {
    if after == "head" {
        let body = start(out, Fields::new());
        body.write(b"part");
        panic!("on purpose, after the head");
    }
    panic!("on purpose");
}

/// Computes for `ms`; for ever when it is 0.
pub fn spin_cpu(out: ResponseOutparam, ms: u64) {
    let begin = Instant::now();
    let mut sum = 0_u64;
    while ms == 0 || begin.elapsed() < Duration::from_millis(ms) {
        for number in 0..100_000 {
            sum = std::hint::black_box(sum.wrapping_add(number));
        }
    }
    text(out, "computed");
}

/// Uses this much memory.
pub fn allocate(mib: u64) -> String {
    let memory = vec![1_u8; (mib as usize) << 20];
    format!("allocated {} MiB", std::hint::black_box(memory).len() >> 20)
}
