//! The database stops, loses sessions, has no connections or no disk left, or keeps an old snapshot.

use std::time::{Duration, Instant};

use futures::future::join_all;
use sqlx::{Connection, Executor};
use tokio::time::sleep;

use crate::server::Shutdown;
use crate::system::System;

/// Connections that are opened at the same time.
const AT_ONCE: usize = 20;

pub async fn restart(system: &System, shutdown: Shutdown, lasting: Duration) -> String {
    system.postgres.stop(shutdown).await;
    sleep(lasting / 2).await;
    let begun = Instant::now();
    system.postgres.ensure_running().await;
    format!("PostgreSQL was ready {:?} after its start", begun.elapsed())
}

/// Kills (`kill -9`) a session of items: the server ends all sessions and recovers.
pub async fn kill_backend(system: &System, lasting: Duration) -> String {
    let superuser = system.postgres.superuser();
    let query = "SELECT pid FROM pg_stat_activity WHERE usename = 'items' LIMIT 1";
    let pid: Option<i32> = sqlx::query_scalar(query).fetch_optional(&superuser).await.ok().flatten();
    let pid = pid.and_then(rustix::process::Pid::from_raw);
    let killed = pid.is_some_and(|pid| rustix::process::kill_process(pid, rustix::process::Signal::KILL).is_ok());
    sleep(lasting).await;
    system.postgres.ensure_running().await;
    if killed { "a session was killed".into() } else { "there was no session to kill".into() }
}

/// Ends the sessions of items and audit and takes every connection, those reserved for the superuser too.
pub async fn take_connections(system: &System, lasting: Duration) -> String {
    let begun = Instant::now();
    let mut taken = Vec::new();
    let mut refused = 0;
    while begun.elapsed() < lasting {
        let wanted = join_all((0..AT_ONCE).map(|_| system.postgres.connect("taker"))).await;
        let missed = wanted.iter().filter(|connection| connection.is_err()).count();
        refused += missed;
        taken.extend(wanted.into_iter().flatten());
        if let Some(connection) = taken.last_mut().filter(|_| missed == 0) {
            let query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ('items', 'audit')";
            let _ = connection.execute(query).await;
        }
        sleep(Duration::from_millis(20)).await;
    }
    let count = taken.len();
    for connection in taken {
        let _ = connection.close().await;
    }
    format!("{count} connections were taken, {refused} more refused")
}

pub async fn fill_disk(system: &System, lasting: Duration) -> String {
    if !system.volume.can_be_filled() {
        return "not run".into();
    }
    let before = system.postgres.count_in_log("No space left on device").await;
    let begun = Instant::now();
    while begun.elapsed() < lasting {
        // The server may free space, as when it removes old log segments.
        tokio::task::block_in_place(|| system.volume.fill());
        sleep(Duration::from_millis(200)).await;
    }
    let after = system.postgres.count_in_log("No space left on device").await;
    system.volume.free();
    system.postgres.ensure_running().await;
    format!("PostgreSQL found no space left {} times", after.saturating_sub(before))
}

/// Keeps a snapshot open: vacuum cannot remove row versions that are younger.
pub async fn hold_snapshot(system: &System, lasting: Duration) -> String {
    let begun = Instant::now();
    let mut held = 0;
    while begun.elapsed() < lasting {
        let Ok(mut connection) = system.postgres.connect("snapshot").await else {
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        held += 1;
        let opened = connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM audit_outbox");
        if opened.await.is_err() {
            continue;
        }
        // A restart of the server ends the snapshot.
        while begun.elapsed() < lasting && connection.ping().await.is_ok() {
            sleep(Duration::from_millis(100)).await;
        }
        let _ = connection.close().await;
    }
    format!("a snapshot was opened {held} times")
}
