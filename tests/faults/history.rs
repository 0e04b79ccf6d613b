//! What clients sent and what they saw, and what was found to be wrong.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard};

/// One operation as it is sent; a retry sends the same again. `Conflict` is a create with a key that is taken and
/// another body, `List` the full list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    Create { key: String, name: String },
    Conflict { key: String },
    Get { id: i64 },
    Update { id: i64, version: i64, name: String },
    Delete { id: i64, version: i64 },
    Page,
    List,
}

/// What a client saw of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// No response: the outcome is unknown.
    Nothing,
    /// 503: the outcome is unknown, too.
    Unavailable,
    /// The head of a response, but not its whole body.
    Head(u16),
    Response(Response),
}

/// The parts of a response that the checker needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub id: Option<i64>,
    pub version: Option<i64>,
    pub replayed: bool,
}

/// One request. Its number is in its request id.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub operation: Operation,
    pub seen: Seen,
    /// The latest version of its item that any client had seen before it was sent.
    pub floor: i64,
}

/// An item that a client has seen.
pub struct Known {
    pub id: i64,
    pub version: i64,
    pub key: String,
}

/// Every attempt of all clients, and all findings.
#[derive(Default)]
pub struct History(Mutex<State>);

#[derive(Default)]
struct State {
    attempts: Vec<Attempt>,
    /// Items that a client has seen, the latest last, with their keys.
    known: Vec<(i64, String)>,
    /// The latest version that a client has seen of an item.
    versions: HashMap<i64, i64>,
    /// Items for which no client has sent a delete.
    undeleted: BTreeSet<i64>,
    findings: Vec<String>,
}

impl Operation {
    /// What the trail calls it.
    pub fn action(&self) -> &'static str {
        match self {
            Operation::Create { .. } | Operation::Conflict { .. } => "create",
            Operation::Get { .. } => "get",
            Operation::Update { .. } => "update",
            Operation::Delete { .. } => "delete",
            Operation::Page | Operation::List => "list",
        }
    }

    /// The item in its path.
    pub fn item(&self) -> Option<i64> {
        match self {
            Operation::Get { id } | Operation::Update { id, .. } | Operation::Delete { id, .. } => Some(*id),
            _ => None,
        }
    }
}

impl History {
    /// Notes an attempt before it is sent, and returns its number.
    pub fn begin(&self, operation: Operation) -> usize {
        let mut state = self.state();
        let item = operation.item();
        if let Operation::Delete { id, .. } = operation {
            state.undeleted.remove(&id);
        }
        let floor = item.and_then(|id| state.versions.get(&id).copied()).unwrap_or(0);
        state.attempts.push(Attempt { operation, seen: Seen::Nothing, floor });
        state.attempts.len() - 1
    }

    /// Notes what the client saw of it.
    pub fn end(&self, number: usize, seen: Seen) {
        let mut state = self.state();
        state.attempts[number].seen = seen;
        let Seen::Response(response) = seen else { return };
        match (state.attempts[number].operation.clone(), response.status) {
            (Operation::Create { key, .. }, 201) => {
                let id = response.id.unwrap_or_default();
                if state.versions.insert(id, 1).is_none() {
                    state.known.push((id, key));
                    state.undeleted.insert(id);
                }
            }
            (Operation::Update { id, .. } | Operation::Get { id }, 200) => {
                let latest = state.versions.entry(id).or_default();
                *latest = response.version.unwrap_or_default().max(*latest);
            }
            (Operation::Delete { id, .. }, 204 | 404) | (Operation::Update { id, .. } | Operation::Get { id }, 404) => {
                state.known.retain(|(known, _)| *known != id);
            }
            _ => {}
        }
    }

    /// One of the latest items: a few, so that clients often work on the same one.
    pub fn choose(&self, rng: &mut fastrand::Rng) -> Option<Known> {
        const FEW: usize = 40;
        let state = self.state();
        let latest = &state.known[state.known.len().saturating_sub(FEW)..];
        let (id, key) = rng.choice(latest)?.clone();
        Some(Known { id, version: state.versions[&id], key })
    }

    /// Items that a client has seen and for which none has sent a delete so far.
    pub fn undeleted(&self) -> BTreeSet<i64> {
        self.state().undeleted.clone()
    }

    pub fn attempts(&self) -> Vec<Attempt> {
        self.state().attempts.clone()
    }

    /// Notes something that is wrong.
    pub fn find(&self, finding: String) {
        self.state().findings.push(finding);
    }

    pub fn findings(&self) -> Vec<String> {
        self.state().findings.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("the history")
    }
}

/// The request id of an attempt.
pub fn request_id(number: usize) -> String {
    format!("attempt-{number}")
}

/// The number of the attempt with a request id.
pub fn number(request_id: &str) -> Option<usize> {
    request_id.strip_prefix("attempt-")?.parse().ok()
}
