//! The sidecar of `make up`: what it counts, and that the application does not depend on it.

use std::time::Instant;

use rustix::process::Signal;

use crate::folder::{Folder, kill};
use crate::running::Running;
use crate::wait::eventually;

/// The longest time from an operation to its metrics, in seconds.
const FRESH_SECONDS: u64 = 10;

/// The series that begin with `name`, each with its value, in order.
fn series(scrape: &str, name: &str) -> Vec<String> {
    let lines = scrape.lines().filter(|line| line.starts_with(name));
    // An exemplar follows " # ".
    let mut series: Vec<_> = lines.map(|line| line.split(" # ").next().unwrap().to_owned()).collect();
    series.sort();
    series
}

/// Twenty requests, of which [`OPERATIONS`] counts seventeen.
fn operate(running: &Running) {
    for number in 1..=8 {
        running.create(&format!("n{number}"));
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
        // Not operations: refused before the database is used.
        ("POST", "/items", "{", 400),
        ("POST", "/items", r#"{"name":""}"#, 422),
        ("GET", "/items/zero", "", 400),
    ] {
        running.http(method, path, body, status);
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
    // A full list of eight, a page of three and two by their id.
    "items_retrieved_total 13",
];

fn check_operations(scrape: &str) -> Result<(), String> {
    let mut found = series(scrape, "items_operations_total{");
    found.retain(|line| !line.ends_with(" 0"));
    found.extend(series(scrape, "items_retrieved_total "));
    if found == OPERATIONS { Ok(()) } else { Err(format!("{found:#?}")) }
}

#[test]
fn every_operation_is_counted_once_and_totals_survive_a_restart() {
    let folder = Folder::new();
    let running = Running::start(&folder);
    operate(&running);
    let start = Instant::now();
    let scrape = eventually("every request is counted", || {
        let scrape = running.scrape()?;
        check_operations(&scrape)?;
        for (route, method, status, count) in [
            ("/items", "POST", 201, 8),
            ("/items", "POST", 400, 1),
            ("/items", "POST", 422, 1),
            ("/items/:id", "GET", 404, 1),
            ("/items/:id", "DELETE", 204, 1),
        ] {
            let labels =
                format!(r#"http_route="{route}",http_request_method="{method}",http_response_status_code="{status}""#);
            let line = format!("http_server_request_duration_seconds_count{{{labels}}} {count}");
            if series(&scrape, &line) != [&*line] {
                return Err(format!("no {line} in\n{scrape}"));
            }
        }
        Ok(scrape)
    });
    assert!(start.elapsed().as_secs() < FRESH_SECONDS, "{:?}", start.elapsed());
    for process in ["host", "postgres"] {
        for name in ["watched_process_cpu_seconds_total", "watched_process_resident_memory_bytes"] {
            let series = series(&scrape, &format!("{name}{{process=\"{process}\"}}"));
            assert!(series.len() == 1 && !series[0].ends_with(" 0"), "{name} of {process}: {series:?}");
        }
    }
    assert_eq!(running.end_with(Signal::TERM), Some(0));

    let running = Running::start(&folder);
    eventually("the same totals", || check_operations(&running.scrape()?));
}

#[test]
fn a_killed_sidecar_changes_nothing_for_clients_and_starts_again_on_its_ports() {
    let folder = Folder::new();
    let running = Running::start(&folder);
    let first = folder.sidecar();
    kill(&first, Signal::KILL);
    for _ in 0..50 {
        running.create("n");
    }
    eventually("metrics from a new sidecar", || {
        let again = folder.sidecar();
        if again.is_empty() || again == first {
            return Err(running.log());
        }
        let scrape = running.scrape()?;
        if series(&scrape, "items_created_total") == ["items_created_total 50"] { Ok(()) } else { Err(scrape) }
    });
    assert!(running.log().contains("The sidecar ended"), "{}", running.log());
    assert_eq!(running.end_with(Signal::TERM), Some(0));
}
