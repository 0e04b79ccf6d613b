//! Which faults happen when, computed from a seed alone.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use crate::fault::{ALL, Fault};

/// How long a fault lasts, in milliseconds: short enough that the relay's back-off ends within the time that the outbox
/// has to drain.
const LASTING: Range<u64> = 1500..4500;
/// Between faults, in milliseconds.
const PAUSE: Range<u64> = 300..1500;

/// Faults that begin at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    pub faults: Vec<(Fault, Duration)>,
    pub pause: Duration,
    /// For the choices that the faults make.
    pub seed: u64,
}

/// The slots of one round.
pub struct Schedule(pub Vec<Slot>);

impl Schedule {
    /// Every fault once, in an order that depends on the seed, some alone and some in pairs.
    pub fn of(seed: u64) -> Schedule {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut faults = ALL.to_vec();
        rng.shuffle(&mut faults);
        let mut slots = Vec::new();
        while let Some(fault) = faults.pop() {
            let mut together = vec![fault];
            if rng.u8(..100) < 60
                && let Some(index) = faults.iter().position(|other| fault.goes_with(*other))
            {
                together.push(faults.remove(index));
            }
            let lasting = |fault| (fault, Duration::from_millis(rng.u64(LASTING)));
            let faults = together.into_iter().map(lasting).collect();
            slots.push(Slot { faults, pause: Duration::from_millis(rng.u64(PAUSE)), seed: rng.u64(..) });
        }
        Schedule(slots)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |(fault, lasting): &(Fault, Duration)| format!("{fault:?} {:.1} s", lasting.as_secs_f32());
        write!(f, "{}", self.faults.iter().map(name).collect::<Vec<_>>().join(" + "))
    }
}

#[test]
fn a_seed_always_has_the_same_schedule_and_another_seed_has_another_one_of_the_same_faults() {
    let (one, other) = (Schedule::of(7).0, Schedule::of(8).0);
    assert_eq!(one, Schedule::of(7).0);
    assert_ne!(one, other);
    let planned: Vec<Fault> = one.iter().flat_map(|slot| &slot.faults).map(|(fault, _)| *fault).collect();
    assert_eq!(planned.len(), ALL.len(), "every fault once: {planned:?}");
    assert!(ALL.iter().all(|fault| planned.contains(fault)), "every fault once: {planned:?}");
}
