//! The sidecar of `make up`: what it shows, and that nothing depends on it.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use rustix::process::Signal;

use crate::folder::{Folder, kill};
use crate::running::Running;
use crate::wait::eventually;

/// From an operation to its numbers.
const FRESH_SECONDS: u64 = 10;

/// The series that begin with `name`, each with its value, in order.
fn series(scrape: &str, name: &str) -> Vec<String> {
    let lines = scrape.lines().filter(|line| line.starts_with(name));
    // Behind " # " comes an exemplar.
    let mut series: Vec<_> = lines.map(|line| line.split(" # ").next().unwrap().to_owned()).collect();
    series.sort();
    series
}

/// The process id of the sidecar, empty while there is none.
fn sidecar(running: &Running) -> String {
    let threads = fs::read_dir(format!("/proc/{}/task", running.pid())).unwrap().flatten();
    let children = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let children = children.collect::<Vec<_>>().join(" ");
    let is_sidecar =
        |child: &&str| fs::read_link(format!("/proc/{child}/exe")).is_ok_and(|program| program.ends_with("sidecar"));
    children.split_whitespace().find(is_sidecar).unwrap_or_default().to_owned()
}

/// Twenty operations, some of which do not succeed; as [`OPERATIONS`] counts them.
fn operate(running: &Running) {
    for number in 1..=8 {
        let answer = running.http("POST", "/items", &format!(r#"{{"name":"n{number}"}}"#));
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }
    for (method, path, body, status) in [
        ("GET", "/items", "", 200),
        ("GET", "/items?limit=3", "", 200),
        ("GET", "/items/1", "", 200),
        ("GET", "/items/2", "", 200),
        ("GET", "/items/99", "", 404),
        ("PUT", "/items/1", r#"{"name":"m"}"#, 200),
        ("PUT", "/items/99", r#"{"name":"m"}"#, 404),
        ("DELETE", "/items/8", "", 204),
        ("DELETE", "/items/8", "", 404),
        // No operations: refused before the database.
        ("POST", "/items", "{", 400),
        ("POST", "/items", r#"{"name":""}"#, 422),
        ("GET", "/items/zero", "", 400),
    ] {
        let answer = running.http(method, path, body);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{method} {path}: {answer}");
    }
}

const OPERATIONS: [&str; 9] = [
    r#"items_operations_total{operation="create",outcome="ok"} 8"#,
    r#"items_operations_total{operation="delete",outcome="not_found"} 1"#,
    r#"items_operations_total{operation="delete",outcome="ok"} 1"#,
    r#"items_operations_total{operation="get",outcome="not_found"} 1"#,
    r#"items_operations_total{operation="get",outcome="ok"} 2"#,
    r#"items_operations_total{operation="list",outcome="ok"} 2"#,
    r#"items_operations_total{operation="update",outcome="not_found"} 1"#,
    r#"items_operations_total{operation="update",outcome="ok"} 1"#,
    // All eight, a page of three and two by their id.
    "items_retrieved_total 13",
];

fn assert_operations(scrape: &str) -> Result<(), String> {
    let mut found = series(scrape, "items_operations_total{");
    found.retain(|line| !line.ends_with(" 0"));
    found.extend(series(scrape, "items_retrieved_total "));
    if found == OPERATIONS { Ok(()) } else { Err(format!("{found:#?}")) }
}

#[test]
fn every_operation_counts_once_and_still_does_after_a_restart_of_everything() {
    let folder = Folder::new();
    let running = Running::start(&folder);
    operate(&running);
    let start = Instant::now();
    let scrape = eventually("each operation in its series", || {
        let scrape = running.scrape();
        let count = |labels: &str| {
            let series = series(&scrape, &format!("http_server_request_duration_seconds_count{{{labels}}} "));
            series.first().and_then(|line| line.rsplit(' ').next()?.parse::<u32>().ok()).unwrap_or_default()
        };
        let label = |route: &str, method: &str, status: u16| {
            format!(r#"http_route="{route}",http_request_method="{method}",http_response_status_code="{status}""#)
        };
        let seen = [
            count(&label("/items", "POST", 201)),
            count(&label("/items", "POST", 400)),
            count(&label("/items", "POST", 422)),
            count(&label("/items/:id", "GET", 404)),
            count(&label("/items/:id", "DELETE", 204)),
        ];
        assert_operations(&scrape)?;
        if seen == [8, 1, 1, 1, 1] { Ok(scrape) } else { Err(format!("{seen:?}\n{scrape}")) }
    });
    assert!(start.elapsed().as_secs() < FRESH_SECONDS, "{:?}", start.elapsed());
    for process in ["host", "postgres"] {
        for name in ["watched_process_cpu_seconds_total", "watched_process_resident_memory_bytes"] {
            let series = series(&scrape, &format!("{name}{{process=\"{process}\"}}"));
            assert!(series.len() == 1 && !series[0].ends_with(" 0"), "{name} of {process}: {series:?}");
        }
    }
    assert_eq!(running.terminate(), Some(0));

    let running = Running::start(&folder);
    eventually("the same totals", || assert_operations(&running.scrape()));
}

#[test]
fn a_killed_sidecar_changes_nothing_for_callers_and_is_started_again_where_it_was() {
    let folder = Folder::new();
    let running = Running::start(&folder);
    let first = sidecar(&running);
    kill(&first, Signal::KILL);
    for _ in 0..50 {
        let answer = running.http("POST", "/items", r#"{"name":"n"}"#);
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }
    eventually("metrics again", || {
        let again = sidecar(&running);
        if again.is_empty() || again == first {
            return Err(running.log());
        }
        let scrape = running.try_scrape()?;
        if series(&scrape, "items_created_total") == ["items_created_total 50"] { Ok(()) } else { Err(scrape) }
    });
    assert!(running.log().contains("The sidecar ended"), "{}", running.log());
    assert_eq!(running.terminate(), Some(0));
}

#[test]
fn a_killed_stack_takes_its_sidecar_along() {
    let folder = Folder::new();
    let running = Running::start(&folder);
    let sidecar = PathBuf::from(format!("/proc/{}", sidecar(&running)));
    running.end_with(Signal::KILL);
    eventually("the sidecar ends", || if sidecar.exists() { Err(format!("{sidecar:?} is there")) } else { Ok(()) });
}
