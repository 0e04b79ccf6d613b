//! The checker finds every kind of difference.

use super::compare;
use crate::history::{Attempt, Operation, Response, Seen, request_id};
use crate::tables::{Event, Item, Tables};

fn attempt(operation: Operation, seen: Seen) -> Attempt {
    Attempt { operation, seen, floor: 0 }
}

fn response(status: u16, id: Option<i64>, version: Option<i64>) -> Seen {
    Seen::Response(Response { status, id, version, replayed: false })
}

fn event(number: usize, action: &str, outcome: &str, item_id: i64, version: Option<i64>) -> Event {
    Event {
        event_id: format!("event-{number}"),
        action: action.into(),
        outcome: outcome.into(),
        item_id: Some(item_id),
        request_id: request_id(number),
        version,
        place: "trail".into(),
    }
}

/// Item 1 is created, updated twice (the second time without a response) and read; item 2 is created and deleted; a
/// third create was never done.
fn correct() -> (Vec<Attempt>, Tables) {
    let create = |key: &str| Operation::Create { key: key.into(), name: key.into() };
    let update = |version, name: &str| Operation::Update { id: 1, version, name: name.into() };
    let attempts = vec![
        attempt(create("one"), response(201, Some(1), Some(1))),
        attempt(update(1, "second"), response(200, None, Some(2))),
        attempt(update(2, "third"), Seen::Nothing),
        attempt(Operation::Get { id: 1 }, response(200, None, Some(3))),
        attempt(create("two"), response(201, Some(2), Some(1))),
        attempt(Operation::Delete { id: 2, version: 1 }, response(204, None, None)),
        attempt(create("never"), Seen::Unavailable),
        attempt(Operation::Get { id: 2 }, response(404, None, None)),
    ];
    let events = vec![
        event(0, "create", "ok", 1, None),
        event(1, "update", "ok", 1, Some(2)),
        event(2, "update", "ok", 1, Some(3)),
        event(3, "get", "ok", 1, None),
        event(4, "create", "ok", 2, None),
        event(5, "delete", "ok", 2, Some(1)),
        event(7, "get", "not_found", 2, None),
    ];
    let items = vec![Item { id: 1, name: "third".into(), description: String::new(), version: 3 }];
    let keys = vec![("one".into(), 1), ("two".into(), 2)];
    (attempts, Tables { events, items, keys })
}

#[test]
fn a_correct_database_has_no_findings() {
    let (attempts, tables) = correct();
    assert_eq!(compare(&attempts, &tables), Vec::<String>::new());
}

/// The words that must be found, and a change to a correct database.
type Difference = (&'static str, fn(&mut Vec<Attempt>, &mut Tables));

const DIFFERENCES: [Difference; 20] = [
    ("a response without an event", |_, tables| drop(tables.events.remove(3))),
    ("a response without an event", |attempts, _| attempts[6].seen = Seen::Head(200)),
    ("one request, several events", |_, tables| {
        tables.events.push(Event { event_id: "new".into(), ..tables.events[3].clone() })
    }),
    ("is in trail and elsewhere", |_, tables| {
        tables.events.push(Event { place: "refused".into(), ..tables.events[3].clone() })
    }),
    ("an event is still in the outbox", |_, tables| tables.events[3].place = "outbox".into()),
    ("an event without a request", |_, tables| tables.events[3].request_id = "attempt-99".into()),
    ("an event of another action", |_, tables| tables.events[3].action = "list".into()),
    ("an event of another outcome", |_, tables| tables.events[3].outcome = "not_modified".into()),
    ("an event of another item", |_, tables| tables.events[3].item_id = Some(2)),
    ("an event of another version", |attempts, _| attempts[1].seen = response(200, None, Some(7))),
    ("a version older than one seen before", |attempts, _| attempts[3].floor = 4),
    ("a response that this operation does not have", |attempts, _| attempts[3].seen = response(500, None, None)),
    ("gone without being deleted once", |_, tables| tables.items.clear()),
    ("exists without an event", |_, tables| tables.items.push(Item { id: 3, ..tables.items[0].clone() })),
    ("deleted and not gone", |_, tables| tables.items.push(Item { id: 2, version: 1, ..tables.items[0].clone() })),
    ("not what was written last", |_, tables| tables.items[0].name = "second".into()),
    ("1 keys are stored, 2 created an item", |_, tables| drop(tables.keys.pop())),
    ("one created item 1 and item 2", |attempts, _| attempts[4].operation = attempts[0].operation.clone()),
    ("has item Some(9)", |attempts, _| attempts[0].seen = response(201, Some(9), Some(1))),
    ("was not found, but never deleted", |attempts, tables| {
        attempts[3].seen = response(404, None, None);
        tables.events[3].outcome = "not_found".into();
    }),
];

#[test]
fn every_difference_is_found() {
    for (words, change) in DIFFERENCES {
        let (mut attempts, mut tables) = correct();
        change(&mut attempts, &mut tables);
        let findings = compare(&attempts, &tables);
        assert!(findings.iter().any(|finding| finding.contains(words)), "{words:?} is not found, but {findings:?}");
    }
}

#[test]
fn missing_repeated_and_surplus_versions_are_found() {
    for (versions, item) in [([2, 4], 4), ([2, 2], 3), ([3, 4], 4), ([2, 3], 4)] {
        let (attempts, mut tables) = correct();
        (tables.events[1].version, tables.events[2].version) = (Some(versions[0]), Some(versions[1]));
        tables.items[0].version = item;
        let findings = compare(&attempts, &tables);
        assert!(findings.iter().any(|finding| finding.contains("version")), "{versions:?} {item}: {findings:?}");
    }
}
