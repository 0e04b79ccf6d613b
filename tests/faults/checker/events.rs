//! Every operation that was answered has its event, once; none has two; no event is of nobody.

use std::collections::HashMap;

use crate::history::{Act, Answer, Attempt, Told, number, request_id};
use crate::tables::{Event, Tables};

pub fn compare(attempts: &[Attempt], tables: &Tables) -> Vec<String> {
    let mut findings = Vec::new();
    let mut places: HashMap<&str, &str> = HashMap::new();
    let mut of_attempt: Vec<Vec<&Event>> = vec![Vec::new(); attempts.len()];
    for event in &tables.events {
        if event.place == "outbox" {
            findings.push(format!("an event still waits: {event:?}"));
        }
        if let Some(other) = places.insert(&event.event_id, &event.place) {
            findings.push(format!("an event is in {other} and again: {event:?}"));
            continue;
        }
        match number(&event.request_id).and_then(|number| of_attempt.get_mut(number)) {
            Some(events) => events.push(event),
            None => findings.push(format!("nobody asked for {event:?}")),
        }
    }
    for (number, (attempt, events)) in attempts.iter().zip(&of_attempt).enumerate() {
        findings.extend(
            judge(attempt, events).map(|finding| format!("{}: {finding}: {attempt:?} {events:?}", request_id(number))),
        );
    }
    findings
}

/// What is wrong with the events of one attempt.
fn judge(attempt: &Attempt, events: &[&Event]) -> Option<&'static str> {
    let (told, event) = match (attempt.told, events) {
        (_, [_, _, ..]) => return Some("one request, several events"),
        (Told::Nothing | Told::Unavailable, []) => return None,
        (_, []) => return Some("an answer without an event"),
        (told, [event]) => (told, event),
    };
    if event.action != action(&attempt.act) {
        return Some("an event of another action");
    }
    let Told::Answer(answer) = told else { return None };
    match outcome(&attempt.act, answer) {
        None => Some("an answer that this operation does not have"),
        Some(outcome) if event.outcome != outcome => Some("an event of another outcome"),
        _ if subject(&attempt.act, answer).is_some_and(|id| event.item_id != Some(id)) => {
            Some("an event of another item")
        }
        _ if matches!(attempt.act, Act::Update { .. }) && answer.status == 200 && event.version != answer.version => {
            Some("an event of another version")
        }
        _ if answer.version.is_some_and(|version| version < attempt.floor) => {
            Some("a version older than one seen before")
        }
        _ => None,
    }
}

pub fn action(act: &Act) -> &'static str {
    match act {
        Act::Create { .. } | Act::Conflict { .. } => "create",
        Act::Get { .. } => "get",
        Act::Update { .. } => "update",
        Act::Delete { .. } => "delete",
        Act::Page | Act::List => "list",
    }
}

/// What the trail calls an answer; nothing for one that should not be.
fn outcome(act: &Act, answer: Answer) -> Option<&'static str> {
    match (act, answer.status) {
        (Act::Create { .. }, 201) if answer.replayed => Some("replayed"),
        (Act::Create { .. }, 201) | (Act::Get { .. } | Act::Update { .. } | Act::Page | Act::List, 200) => Some("ok"),
        (Act::Delete { .. }, 204) => Some("ok"),
        (Act::Conflict { .. }, 422) => Some("key_conflict"),
        (Act::Get { .. } | Act::Update { .. } | Act::Delete { .. }, 404) => Some("not_found"),
        (Act::Update { .. } | Act::Delete { .. }, 412) => Some("precondition_failed"),
        _ => None,
    }
}

fn subject(act: &Act, answer: Answer) -> Option<i64> {
    match act {
        Act::Get { id } | Act::Update { id, .. } | Act::Delete { id, .. } => Some(*id),
        Act::Create { .. } => answer.id,
        Act::Conflict { .. } | Act::Page | Act::List => None,
    }
}
