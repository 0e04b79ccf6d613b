//! The checker finds what it is there to find.

use super::compare;
use crate::history::{Act, Answer, Attempt, Told, request_id};
use crate::tables::{Event, Item, Tables};

fn attempt(act: Act, told: Told) -> Attempt {
    Attempt { act, told, floor: 0 }
}

fn answer(status: u16, id: Option<i64>, version: Option<i64>) -> Told {
    Told::Answer(Answer { status, id, version, replayed: false })
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

/// Item 1 is created, updated twice (the second time without an answer) and read; item 2 is created and deleted; a third create never came.
fn sound() -> (Vec<Attempt>, Tables) {
    let create = |key: &str| Act::Create { key: key.into(), name: key.into() };
    let update = |version, name: &str| Act::Update { id: 1, version, name: name.into() };
    let attempts = vec![
        attempt(create("one"), answer(201, Some(1), Some(1))),
        attempt(update(1, "second"), answer(200, None, Some(2))),
        attempt(update(2, "third"), Told::Nothing),
        attempt(Act::Get { id: 1 }, answer(200, None, Some(3))),
        attempt(create("two"), answer(201, Some(2), Some(1))),
        attempt(Act::Delete { id: 2, version: 1 }, answer(204, None, None)),
        attempt(create("never"), Told::Unavailable),
        attempt(Act::Get { id: 2 }, answer(404, None, None)),
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
fn a_sound_database_has_no_findings() {
    let (attempts, tables) = sound();
    assert_eq!(compare(&attempts, &tables), Vec::<String>::new());
}

/// What is done to a sound database, and the words that must be found.
type Damage = (&'static str, fn(&mut Vec<Attempt>, &mut Tables));

const DAMAGES: [Damage; 17] = [
    ("an answer without an event", |_, tables| drop(tables.events.remove(3))),
    ("an answer without an event", |attempts, _| attempts[6].told = Told::Head(200)),
    ("one request, several events", |_, tables| {
        tables.events.push(Event { event_id: "new".into(), ..tables.events[3].clone() })
    }),
    ("is in trail and again", |_, tables| {
        tables.events.push(Event { place: "refused".into(), ..tables.events[3].clone() })
    }),
    ("an event still waits", |_, tables| tables.events[3].place = "outbox".into()),
    ("nobody asked for", |_, tables| tables.events[3].request_id = "attempt-99".into()),
    ("an event of another action", |_, tables| tables.events[3].action = "list".into()),
    ("an event of another outcome", |_, tables| tables.events[3].outcome = "not_modified".into()),
    ("an event of another item", |_, tables| tables.events[3].item_id = Some(2)),
    ("an event of another version", |attempts, _| attempts[1].told = answer(200, None, Some(7))),
    ("a version older than one seen before", |attempts, _| attempts[3].floor = 4),
    ("an answer that this operation does not have", |attempts, _| attempts[3].told = answer(500, None, None)),
    ("gone without being deleted once", |_, tables| tables.items.clear()),
    ("there without an event", |_, tables| tables.items.push(Item { id: 3, ..tables.items[0].clone() })),
    ("deleted and still there", |_, tables| tables.items.push(Item { id: 2, version: 1, ..tables.items[0].clone() })),
    ("not what was written last", |_, tables| tables.items[0].name = "second".into()),
    ("1 keys are kept, 2 created something", |_, tables| drop(tables.keys.pop())),
];

#[test]
fn every_damage_is_found() {
    for (words, damage) in DAMAGES {
        let (mut attempts, mut tables) = sound();
        damage(&mut attempts, &mut tables);
        let findings = compare(&attempts, &tables);
        assert!(findings.iter().any(|finding| finding.contains(words)), "{words:?} is not found, but {findings:?}");
    }
}

#[test]
fn versions_have_neither_gaps_nor_twins_nor_surplus() {
    for (versions, item) in [([2, 4], 4), ([2, 2], 3), ([3, 4], 4), ([2, 3], 4)] {
        let (attempts, mut tables) = sound();
        (tables.events[1].version, tables.events[2].version) = (Some(versions[0]), Some(versions[1]));
        tables.items[0].version = item;
        let findings = compare(&attempts, &tables);
        assert!(findings.iter().any(|finding| finding.contains("version")), "{versions:?} {item}: {findings:?}");
    }
}

#[test]
fn one_key_creates_one_item_and_nobody_is_told_of_another() {
    let (mut attempts, mut tables) = sound();
    attempts[4].act = attempts[0].act.clone();
    let findings = compare(&attempts, &tables);
    assert!(findings.iter().any(|finding| finding.contains("one created item 1 and item 2")), "{findings:?}");

    let (mut attempts, _) = sound();
    attempts[0].told = answer(201, Some(9), Some(1));
    tables = sound().1;
    let findings = compare(&attempts, &tables);
    assert!(findings.iter().any(|finding| finding.contains("was told of item Some(9)")), "{findings:?}");
}

#[test]
fn an_item_that_was_not_found_was_deleted() {
    let (mut attempts, mut tables) = sound();
    attempts[3].told = answer(404, None, None);
    tables.events[3].outcome = "not_found".into();
    let findings = compare(&attempts, &tables);
    assert!(findings.iter().any(|finding| finding.contains("never deleted")), "{findings:?}");
}
