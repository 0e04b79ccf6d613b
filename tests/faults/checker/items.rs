//! Every item is what its events record: created once, changed version by version, gone when it was deleted.

use std::collections::{BTreeMap, HashMap};

use crate::client::description;
use crate::history::{Attempt, Operation, Response, Seen, number};
use crate::tables::{Event, Item, Tables};

/// What the events of one item record.
#[derive(Debug, Default)]
struct Life<'a> {
    created: Vec<&'a Operation>,
    /// Versions, and the updates that wrote them.
    versions: Vec<(i64, &'a Operation)>,
    deleted: usize,
}

pub fn compare(attempts: &[Attempt], tables: &Tables) -> Vec<String> {
    let lives = lives(attempts, &tables.events);
    let items: HashMap<i64, &Item> = tables.items.iter().map(|item| (item.id, item)).collect();
    let mut findings: Vec<String> = Vec::new();
    for id in items.keys().filter(|id| !lives.contains_key(id)) {
        findings.push(format!("item {id} exists without an event"));
    }
    for (id, life) in &lives {
        let item = items.get(id).copied();
        findings.extend(judge(life, item).map(|finding| format!("item {id}: {finding}: {item:?} {life:?}")));
    }
    findings.extend(creations(attempts, &lives, &tables.keys));
    findings.extend(absences(attempts, &lives));
    findings
}

fn lives<'a>(attempts: &'a [Attempt], events: &[Event]) -> BTreeMap<i64, Life<'a>> {
    let mut lives: BTreeMap<i64, Life> = BTreeMap::new();
    for event in events.iter().filter(|event| event.outcome == "ok") {
        let attempt = number(&event.request_id).and_then(|number| attempts.get(number));
        let (Some(id), Some(attempt)) = (event.item_id, attempt) else { continue };
        let life = lives.entry(id).or_default();
        match event.action.as_str() {
            "create" => life.created.push(&attempt.operation),
            "update" => life.versions.push((event.version.unwrap_or_default(), &attempt.operation)),
            "delete" => life.deleted += 1,
            _ => {}
        }
    }
    lives.values_mut().for_each(|life| life.versions.sort_by_key(|(version, _)| *version));
    lives
}

fn judge(life: &Life, item: Option<&Item>) -> Option<&'static str> {
    let [created] = life.created[..] else { return Some("not created exactly once") };
    if !life.versions.iter().map(|(version, _)| *version).eq((2..).take(life.versions.len())) {
        return Some("versions are missing or repeated");
    }
    let Some(item) = item else { return (life.deleted != 1).then_some("gone without being deleted once") };
    let last = life.versions.last().map_or(created, |(_, operation)| operation);
    let (name, text) = match last {
        Operation::Create { name, .. } => (name, description(name)),
        Operation::Update { name, .. } => (name, String::new()),
        _ => return Some("written by another operation"),
    };
    match item {
        _ if life.deleted > 0 => Some("deleted and not gone"),
        _ if item.version != 1 + life.versions.len() as i64 => Some("a version without an event"),
        _ if item.name != *name || item.description != text => Some("not what was written last"),
        _ => None,
    }
}

/// Checks that a key created one item, that each response to it has that item, and that the table of keys has it too.
fn creations(attempts: &[Attempt], lives: &BTreeMap<i64, Life>, keys: &[(String, i64)]) -> Vec<String> {
    let mut findings = Vec::new();
    let mut by_key: HashMap<&str, i64> = HashMap::new();
    for (id, life) in lives {
        if let [Operation::Create { key, .. }] = life.created[..]
            && let Some(other) = by_key.insert(key, *id)
        {
            findings.push(format!("{key} created item {other} and item {id}"));
        }
    }
    let stored: HashMap<&str, i64> = keys.iter().map(|(key, id)| (key.as_str(), *id)).collect();
    if stored != by_key {
        let differing: Vec<_> = stored.iter().filter(|(key, id)| by_key.get(*key) != Some(*id)).take(3).collect();
        findings.push(format!("{} keys are stored, {} created an item: {differing:?}", stored.len(), by_key.len()));
    }
    for attempt in attempts {
        if let (Operation::Create { key, .. }, Seen::Response(Response { status: 201, id, .. })) =
            (&attempt.operation, attempt.seen)
            && id != by_key.get(key.as_str()).copied()
        {
            findings
                .push(format!("a response to {key} has item {id:?}, but it created {:?}", by_key.get(key.as_str())));
        }
    }
    findings
}

/// Checks that only deleted items were not found.
fn absences(attempts: &[Attempt], lives: &BTreeMap<i64, Life>) -> Vec<String> {
    let mut findings = Vec::new();
    for attempt in attempts {
        let Some(id) = attempt.operation.item() else { continue };
        let missed = matches!(attempt.seen, Seen::Response(Response { status: 404, .. }));
        if missed && lives.get(&id).is_none_or(|life| life.deleted == 0) {
            findings.push(format!("item {id} was not found, but never deleted: {attempt:?}"));
        }
    }
    findings
}
