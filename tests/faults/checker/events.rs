//! Every operation with a response has exactly one event, no request has two, and every event has a request.

use std::collections::HashMap;

use crate::history::{Attempt, Operation, Response, Seen, number, request_id};
use crate::tables::{Event, Tables};

pub fn compare(attempts: &[Attempt], tables: &Tables) -> Vec<String> {
    let mut findings = Vec::new();
    let mut places: HashMap<&str, &str> = HashMap::new();
    let mut of_attempt: Vec<Vec<&Event>> = vec![Vec::new(); attempts.len()];
    for event in &tables.events {
        if event.place == "outbox" {
            findings.push(format!("an event is still in the outbox: {event:?}"));
        }
        if let Some(other) = places.insert(&event.event_id, &event.place) {
            findings.push(format!("an event is in {other} and elsewhere: {event:?}"));
            continue;
        }
        match number(&event.request_id).and_then(|number| of_attempt.get_mut(number)) {
            Some(events) => events.push(event),
            None => findings.push(format!("an event without a request: {event:?}")),
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
    let (seen, event) = match (attempt.seen, events) {
        (_, [_, _, ..]) => return Some("one request, several events"),
        (Seen::Nothing | Seen::Unavailable, []) => return None,
        (_, []) => return Some("a response without an event"),
        (seen, [event]) => (seen, event),
    };
    if event.action != attempt.operation.action() {
        return Some("an event of another action");
    }
    let Seen::Response(response) = seen else { return None };
    let updated = matches!(attempt.operation, Operation::Update { .. }) && response.status == 200;
    let created = matches!(attempt.operation, Operation::Create { .. });
    let item = if created { response.id } else { attempt.operation.item() };
    match outcome(&attempt.operation, response) {
        None => Some("a response that this operation does not have"),
        Some(outcome) if event.outcome != outcome => Some("an event of another outcome"),
        _ if item.is_some_and(|id| event.item_id != Some(id)) => Some("an event of another item"),
        _ if updated && event.version != response.version => Some("an event of another version"),
        _ if response.version.is_some_and(|version| version < attempt.floor) => {
            Some("a version older than one seen before")
        }
        _ => None,
    }
}

/// What the trail calls the outcome of a response, or `None` for a response that must not be.
fn outcome(operation: &Operation, response: Response) -> Option<&'static str> {
    match (operation, response.status) {
        (Operation::Create { .. }, 201) if response.replayed => Some("replayed"),
        (Operation::Create { .. }, 201) | (Operation::Delete { .. }, 204) => Some("ok"),
        (Operation::Get { .. } | Operation::Update { .. } | Operation::Page | Operation::List, 200) => Some("ok"),
        (Operation::Conflict { .. }, 422) => Some("key_conflict"),
        (Operation::Get { .. } | Operation::Update { .. } | Operation::Delete { .. }, 404) => Some("not_found"),
        (Operation::Update { .. } | Operation::Delete { .. }, 412) => Some("precondition_failed"),
        _ => None,
    }
}
