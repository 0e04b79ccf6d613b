use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::home::Home;
use super::keeper::{Keeper, Stop};
use super::settings::{Lifetime, settings};
use crate::Error;

/// Long enough for recovery after a crash.
const START_DEADLINE: Duration = Duration::from_secs(120);
/// How long the last processes of a crashed server may keep its shared memory.
const HANDOVER_DEADLINE: Duration = Duration::from_secs(15);

/// Starts the server and waits until it accepts connections.
pub(super) async fn launch(home: &Home, port: u16) -> Result<Keeper, Error> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let in_use = || Error::PortInUse(address, format!("DB_PORT={} make up", port.wrapping_add(1)));
    match TcpListener::bind(address) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(in_use()),
        Err(error) => return Err(Error::port(&port.to_string(), error)),
        Ok(_) => {}
    }
    let stop = match home.lifetime {
        Lifetime::Kept => Stop { signals: "INT QUIT", remove: None },
        Lifetime::Temporary => Stop { signals: "QUIT", remove: Some(&home.folder) },
    };
    let handover = Instant::now() + HANDOVER_DEADLINE;
    loop {
        let _ = fs::rename(home.log(), home.log().with_extension("old"));
        let failed = |reason| Error::Start(reason, home.log_end());
        let keeper = Keeper::start(home.account, &home.log(), &stop, &command(home, port));
        let keeper = keeper.map_err(|e| failed(e.to_string()))?;
        let ready = tokio::select! {
            ready = timeout(START_DEADLINE, until_ready(home, &keeper)) => ready.is_ok(),
            _ = keeper.ended() => false,
        };
        if ready {
            return Ok(keeper);
        }
        // Read the log first: dropping the keeper removes a temporary server's folder.
        let reason = home.failure();
        let error = failed(reason.clone());
        drop(keeper);
        if reason.contains("Address already in use") {
            return Err(in_use());
        }
        if !reason.contains("shared memory block") || Instant::now() > handover {
            return Err(error);
        }
        sleep(Duration::from_millis(100)).await;
    }
}

async fn until_ready(home: &Home, keeper: &Keeper) {
    let started = Instant::now();
    let mut reported = false;
    while home.state(keeper.pid).as_deref() != Some("ready") {
        if !reported && started.elapsed() > Duration::from_secs(3) {
            reported = true;
            let log = home.log();
            eprintln!("PostgreSQL is still starting (it recovers after a crash); its log is {}", log.display());
        }
        sleep(Duration::from_millis(5)).await;
    }
}

fn command(home: &Home, port: u16) -> Command {
    let mut command = Command::new(home.binaries.program("postgres"));
    command.envs(home.environment.iter().map(|(name, value)| (name, value)));
    command.arg("-D").arg(home.data()).arg("-p").arg(port.to_string());
    let own = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "cluster_name=items"];
    let preload = home.binaries.has_library("pg_stat_statements");
    let settings = settings(home.lifetime).iter().filter(|setting| preload || !setting.starts_with("shared_preload"));
    for setting in own.iter().chain(settings).copied().chain(home.settings.iter().map(String::as_str)) {
        command.arg("-c").arg(setting);
    }
    command
}
