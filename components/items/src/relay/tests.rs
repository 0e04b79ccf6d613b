//! The decisions of the relay, against scripted peers.

use std::collections::VecDeque;

use shared::Error;

use super::*;

/// Returns the prepared results in order, and records each call.
#[derive(Default)]
struct Script {
    takes: VecDeque<Option<String>>,
    batches: VecDeque<Next>,
    deliveries: VecDeque<Delivery>,
    /// Whether there is another batch once `batches` is used up.
    endless: bool,
    calls: Vec<String>,
}

impl Peers for Script {
    fn take(&mut self) -> Result<Option<String>, Error> {
        self.calls.push("take".to_owned());
        Ok(self.takes.pop_front().flatten())
    }

    fn next(&mut self, holder: &str, done: &[i64], most: u16) -> Result<Next, Error> {
        let singly = if most == 1 { " singly" } else { "" };
        self.calls.push(format!("next {holder} {done:?}{singly}"));
        Ok(match self.batches.pop_front() {
            Some(next) => next,
            None if self.endless => batch(&[1]),
            None => Next::Drained,
        })
    }

    fn release(&mut self, holder: &str, done: &[i64]) -> Result<(), Error> {
        self.calls.push(format!("release {holder} {done:?}"));
        Ok(())
    }

    fn fail(&mut self, holder: &str, reason: &str) -> Result<(), Error> {
        self.calls.push(format!("fail {holder} {reason}"));
        Ok(())
    }

    fn refuse(&mut self, holder: &str, seq: i64, reason: &str) -> Result<(), Error> {
        self.calls.push(format!("refuse {holder} {seq} {reason}"));
        Ok(())
    }

    fn post(&mut self, events: &str) -> Delivery {
        self.calls.push(format!("post {events}"));
        self.deliveries.pop_front().unwrap_or(Delivery::Stored)
    }

    fn pause(&mut self, duration: Duration) {
        self.calls.push(format!("pause {}", duration.as_millis()));
    }
}

fn batch(seqs: &[i64]) -> Next {
    let events: Vec<String> = seqs.iter().map(|seq| format!("{{\"n\":{seq}}}")).collect();
    Next::Batch { seqs: seqs.to_vec(), events: format!("[{}]", events.join(",")) }
}

fn calls(mut script: Script) -> Vec<String> {
    relay(&mut script, "h".to_owned()).expect("the script has no errors");
    script.calls
}

#[test]
fn batches_are_delivered_until_no_event_waits_and_the_relay_looks_once_more() {
    let script = Script { batches: [batch(&[1, 2]), batch(&[3])].into(), ..Script::default() };
    assert_eq!(
        calls(script),
        [
            "next h []",
            r#"post [{"n":1},{"n":2}]"#,
            "pause 20",
            "next h [1, 2]",
            r#"post [{"n":3}]"#,
            "pause 20",
            "next h [3]",
            "pause 50",
            "take",
        ]
    );
}

#[test]
fn the_last_look_finds_an_event_that_committed_while_the_lease_was_held() {
    let script = Script {
        takes: [Some("again".to_owned()), None].into(),
        batches: [batch(&[1]), Next::Drained, batch(&[2])].into(),
        ..Script::default()
    };
    let calls = calls(script);
    assert!(calls.contains(&"next again []".to_owned()) && calls.contains(&"next again [2]".to_owned()), "{calls:?}");
}

#[test]
fn the_relay_stops_when_the_lease_is_lost() {
    let script = Script { batches: [batch(&[1]), Next::Lost].into(), ..Script::default() };
    assert_eq!(calls(script).last().map(String::as_str), Some("next h [1]"));
}

#[test]
fn after_a_failure_nothing_more_is_delivered() {
    let script = Script {
        batches: [batch(&[1]), batch(&[2])].into(),
        deliveries: [Delivery::Stored, Delivery::Failed("down".to_owned())].into(),
        ..Script::default()
    };
    assert_eq!(calls(script).last().map(String::as_str), Some("fail h down"));
}

#[test]
fn one_refused_event_leaves_the_queue_and_the_others_are_delivered() {
    let refused = || Delivery::Refused("bad".to_owned());
    let script = Script {
        batches: [batch(&[1, 2, 3]), batch(&[1]), batch(&[2]), batch(&[3]), batch(&[4, 5])].into(),
        deliveries: [refused(), Delivery::Stored, refused(), Delivery::Stored].into(),
        ..Script::default()
    };
    assert_eq!(
        calls(script)[1..12],
        [
            r#"post [{"n":1},{"n":2},{"n":3}]"#,
            "next h [] singly",
            r#"post [{"n":1}]"#,
            "next h [1] singly",
            r#"post [{"n":2}]"#,
            "refuse h 2 bad",
            "next h [] singly",
            r#"post [{"n":3}]"#,
            "pause 20",
            "next h [3]",
            r#"post [{"n":4},{"n":5}]"#,
        ]
    );
}

#[test]
fn a_failure_among_single_events_comes_after_the_delivered_ones_are_removed() {
    let script = Script {
        batches: [batch(&[1, 2, 3]), batch(&[1]), batch(&[2])].into(),
        deliveries: [Delivery::Refused("bad".to_owned()), Delivery::Stored, Delivery::Failed("down".to_owned())].into(),
        ..Script::default()
    };
    assert_eq!(calls(script)[4..], ["next h [1] singly", r#"post [{"n":2}]"#, "fail h down"]);
}

#[test]
fn the_lease_is_freed_after_fifty_batches() {
    let calls = calls(Script { endless: true, ..Script::default() });
    assert_eq!(calls.iter().filter(|line| line.starts_with("post")).count(), 50);
    assert_eq!(calls.last().map(String::as_str), Some("release h [1]"));
}
