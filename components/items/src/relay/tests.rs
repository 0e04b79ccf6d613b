//! The relay's decisions against ends that follow a script.

use std::collections::VecDeque;

use shared::Error;

use super::*;

/// Gives what it was told to give, in order, and writes down what was asked of it.
#[derive(Default)]
struct Script {
    takes: VecDeque<Option<String>>,
    batches: VecDeque<Next>,
    deliveries: VecDeque<Delivery>,
    /// The delivery once `deliveries` is used up, and whether batches then never end.
    endless: bool,
    said: Vec<String>,
}

impl Ends for Script {
    fn take(&mut self) -> Result<Option<String>, Error> {
        self.said.push("take".to_owned());
        Ok(self.takes.pop_front().flatten())
    }

    fn next(&mut self, holder: &str, done: &[i64], most: i32) -> Result<Next, Error> {
        let singly = if most == 1 { " singly" } else { "" };
        self.said.push(format!("next {holder} {done:?}{singly}"));
        Ok(match self.batches.pop_front() {
            Some(next) => next,
            None if self.endless => batch(&[1]),
            None => Next::Drained,
        })
    }

    fn release(&mut self, holder: &str, done: &[i64]) -> Result<(), Error> {
        self.said.push(format!("release {holder} {done:?}"));
        Ok(())
    }

    fn fail(&mut self, holder: &str, reason: &str) -> Result<(), Error> {
        self.said.push(format!("fail {holder} {reason}"));
        Ok(())
    }

    fn refuse(&mut self, holder: &str, seq: i64, reason: &str) -> Result<(), Error> {
        self.said.push(format!("refuse {holder} {seq} {reason}"));
        Ok(())
    }

    fn post(&mut self, events: &str) -> Delivery {
        self.said.push(format!("post {events}"));
        self.deliveries.pop_front().unwrap_or(Delivery::Stored)
    }

    fn pause(&mut self, duration: Duration) {
        self.said.push(format!("pause {}", duration.as_millis()));
    }
}

fn batch(seqs: &[i64]) -> Next {
    let events: Vec<String> = seqs.iter().map(|seq| format!("{{\"n\":{seq}}}")).collect();
    Next::Batch { seqs: seqs.to_vec(), events: format!("[{}]", events.join(",")) }
}

fn said(mut script: Script) -> Vec<String> {
    relay(&mut script, "h".to_owned()).expect("the script has no errors");
    script.said
}

#[test]
fn batches_are_delivered_until_nothing_is_left_and_then_it_looks_once_more() {
    let script = Script { batches: [batch(&[1, 2]), batch(&[3])].into(), ..Script::default() };
    assert_eq!(
        said(script),
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
fn an_event_that_came_while_the_lease_was_held_is_found_by_the_last_look() {
    let script = Script {
        takes: [Some("again".to_owned()), None].into(),
        batches: [batch(&[1]), Next::Drained, batch(&[2])].into(),
        ..Script::default()
    };
    let said = said(script);
    assert!(said.contains(&"next again []".to_owned()) && said.contains(&"next again [2]".to_owned()), "{said:?}");
}

#[test]
fn who_lost_the_lease_stops() {
    let script = Script { batches: [batch(&[1]), Next::Lost].into(), ..Script::default() };
    assert_eq!(said(script).last().map(String::as_str), Some("next h [1]"));
}

#[test]
fn a_failure_closes_the_lease_and_delivers_nothing_more() {
    let script = Script {
        batches: [batch(&[1]), batch(&[2])].into(),
        deliveries: [Delivery::Stored, Delivery::Failed("down".to_owned())].into(),
        ..Script::default()
    };
    assert_eq!(said(script).last().map(String::as_str), Some("fail h down"));
}

#[test]
fn one_bad_event_leaves_the_queue_and_the_others_are_delivered() {
    let refused = || Delivery::Refused("bad".to_owned());
    let script = Script {
        batches: [batch(&[1, 2, 3]), batch(&[1]), batch(&[2]), batch(&[3]), batch(&[4, 5])].into(),
        deliveries: [refused(), Delivery::Stored, refused(), Delivery::Stored].into(),
        ..Script::default()
    };
    assert_eq!(
        said(script)[1..12],
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
fn a_failure_among_singles_closes_the_lease_after_what_was_delivered_is_removed() {
    let script = Script {
        batches: [batch(&[1, 2, 3]), batch(&[1]), batch(&[2])].into(),
        deliveries: [Delivery::Refused("bad".to_owned()), Delivery::Stored, Delivery::Failed("down".to_owned())].into(),
        ..Script::default()
    };
    assert_eq!(said(script)[4..], ["next h [1] singly", r#"post [{"n":2}]"#, "fail h down"]);
}

#[test]
fn the_lease_is_handed_over_after_fifty_batches() {
    let said = said(Script { endless: true, ..Script::default() });
    assert_eq!(said.iter().filter(|line| line.starts_with("post")).count(), 50);
    assert_eq!(said.last().map(String::as_str), Some("release h [1]"));
}
