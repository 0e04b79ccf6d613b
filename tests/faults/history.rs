//! What clients asked for and what they were told.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard};

/// One operation as it is sent; a retry is the same once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Create {
        key: String,
        name: String,
    },
    /// A key that is taken, with another body.
    Conflict {
        key: String,
    },
    Get {
        id: i64,
    },
    Update {
        id: i64,
        version: i64,
        name: String,
    },
    Delete {
        id: i64,
        version: i64,
    },
    Page,
    /// The whole list, streamed.
    List,
}

/// What a client knows of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// No answer came: the outcome is unknown.
    Nothing,
    /// 503, and so is this.
    Unavailable,
    /// The head of an answer came, not all of its body.
    Head(u16),
    Answer(Answer),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub id: Option<i64>,
    pub version: Option<i64>,
    pub replayed: bool,
}

/// One request. Its number is its request id.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub act: Act,
    pub told: Told,
    /// The version of its item that somebody had been told of before it was sent.
    pub floor: i64,
}

/// An item that somebody was told of.
#[derive(Clone, Debug)]
pub struct Known {
    pub id: i64,
    pub version: i64,
    pub key: String,
}

#[derive(Default)]
pub struct History(Mutex<State>);

#[derive(Default)]
struct State {
    attempts: Vec<Attempt>,
    known: Vec<Known>,
    versions: HashMap<i64, i64>,
    /// Items that nobody has asked to delete.
    untouched: BTreeSet<i64>,
}

impl History {
    /// Notes an attempt before it is sent; gives its number.
    pub fn begin(&self, act: Act) -> usize {
        let mut state = self.state();
        let id = match act {
            Act::Get { id } | Act::Update { id, .. } | Act::Delete { id, .. } => Some(id),
            _ => None,
        };
        if let Act::Delete { id, .. } = act {
            state.untouched.remove(&id);
        }
        let floor = id.and_then(|id| state.versions.get(&id).copied()).unwrap_or(0);
        state.attempts.push(Attempt { act, told: Told::Nothing, floor });
        state.attempts.len() - 1
    }

    /// Notes what came of it.
    pub fn end(&self, number: usize, told: Told) {
        let mut state = self.state();
        state.attempts[number].told = told;
        let Told::Answer(answer) = told else { return };
        match (state.attempts[number].act.clone(), answer.status) {
            (Act::Create { key, .. }, 201) => {
                let id = answer.id.unwrap_or_default();
                if state.versions.insert(id, 1).is_none() {
                    state.known.push(Known { id, version: 1, key });
                    state.untouched.insert(id);
                }
            }
            (Act::Update { id, .. } | Act::Get { id }, 200) => {
                let version = answer.version.unwrap_or_default();
                let known = state.versions.entry(id).or_default();
                *known = version.max(*known);
                let now = *known;
                state.known.iter_mut().filter(|known| known.id == id).for_each(|known| known.version = now);
            }
            (Act::Delete { id, .. }, 204 | 404) | (Act::Update { id, .. } | Act::Get { id }, 404) => {
                state.known.retain(|known| known.id != id);
            }
            _ => {}
        }
    }

    /// One of the items that were told of last: few, so that clients meet.
    pub fn choose(&self, rng: &mut fastrand::Rng) -> Option<Known> {
        const FEW: usize = 40;
        let state = self.state();
        let latest = &state.known[state.known.len().saturating_sub(FEW)..];
        rng.choice(latest).cloned()
    }

    /// Items that were told of and that nobody has asked to delete so far.
    pub fn untouched(&self) -> BTreeSet<i64> {
        self.state().untouched.clone()
    }

    pub fn attempts(&self) -> Vec<Attempt> {
        self.state().attempts.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("the history")
    }
}

/// The request id of an attempt.
pub fn request_id(number: usize) -> String {
    format!("attempt-{number}")
}

/// The attempt that a request id belongs to.
pub fn number(request_id: &str) -> Option<usize> {
    request_id.strip_prefix("attempt-")?.parse().ok()
}
