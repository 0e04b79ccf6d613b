//! The database goes away, is full, or is held up.

use std::time::{Duration, Instant};

use futures::future::join_all;
use sqlx::{Connection, Executor};
use tokio::time::sleep;

use crate::server::Shutdown;
use crate::world::World;

pub async fn restart(world: &World, shutdown: Shutdown, lasting: Duration) -> String {
    world.postgres.stop(shutdown).await;
    sleep(lasting / 2).await;
    let begun = Instant::now();
    world.postgres.ensure_running().await;
    format!("it answered again {:?} after its start", begun.elapsed())
}

/// Connections that are tried for together.
const AT_ONCE: usize = 20;

/// `kill -9` of a session that works for items: the server restarts all of its sessions and recovers.
pub async fn kill_backend(world: &World, lasting: Duration) -> String {
    let look = world.postgres.look();
    let query = "SELECT pid FROM pg_stat_activity WHERE usename = 'items' LIMIT 1";
    let pid: Option<i32> = sqlx::query_scalar(query).fetch_optional(&look).await.ok().flatten();
    let pid = pid.and_then(rustix::process::Pid::from_raw);
    let killed = pid.is_some_and(|pid| rustix::process::kill_process(pid, rustix::process::Signal::KILL).is_ok());
    sleep(lasting).await;
    world.postgres.ensure_running().await;
    if killed { "a session was killed".into() } else { "no session to kill".into() }
}

/// Ends the sessions of items and audit and takes every connection there is, the superuser's too.
pub async fn take_connections(world: &World, lasting: Duration) -> String {
    let begun = Instant::now();
    let mut taken = Vec::new();
    let mut refused = 0;
    while begun.elapsed() < lasting {
        let wanted = join_all((0..AT_ONCE).map(|_| world.postgres.connect("taker"))).await;
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

pub async fn fill_disk(world: &World, lasting: Duration) -> String {
    if !world.volume.can_be_filled() {
        return "not run".into();
    }
    let before = world.postgres.complained("No space left on device").await;
    let begun = Instant::now();
    while begun.elapsed() < lasting {
        // The server may give something back, as when it removes old log segments.
        tokio::task::block_in_place(|| world.volume.fill());
        sleep(Duration::from_millis(200)).await;
    }
    let after = world.postgres.complained("No space left on device").await;
    world.volume.free();
    world.postgres.ensure_running().await;
    format!("PostgreSQL found no space left {} times", after.saturating_sub(before))
}

/// A snapshot that nobody closes: vacuum can remove nothing that is younger.
pub async fn hold_snapshot(world: &World, lasting: Duration) -> String {
    let begun = Instant::now();
    let mut held = 0;
    while begun.elapsed() < lasting {
        let Ok(mut connection) = world.postgres.connect("snapshot").await else {
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        held += 1;
        let opened = connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM audit_outbox");
        if opened.await.is_err() {
            continue;
        }
        // The server may restart meanwhile, and the snapshot be lost.
        while begun.elapsed() < lasting && connection.ping().await.is_ok() {
            sleep(Duration::from_millis(100)).await;
        }
        let _ = connection.close().await;
    }
    format!("a snapshot was opened {held} times")
}
