//! A PostgreSQL server of our own, from installed programs.

mod account;
pub(crate) mod binaries;
mod home;
mod keeper;
mod leftover;
mod settings;

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use self::account::Account;
use self::home::Home;
use self::keeper::{Keeper, Stop};
pub use self::settings::settings;
use crate::{Address, Error};

/// Recovery after a crash may take its time; a server that does nothing at all is given up on.
const START_DEADLINE: Duration = Duration::from_secs(120);
/// How long the last processes of a crashed server may hold on to its shared memory.
const HANDOVER_DEADLINE: Duration = Duration::from_secs(15);

/// What becomes of a server's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Kept and durable: every commit is on disk.
    Kept,
    /// Fast, not durable, removed with the server. For tests.
    Temporary,
}

/// A PostgreSQL server of our own on 127.0.0.1. It stops when this value is dropped or its process ends, in whatever way.
pub struct Server {
    home: Home,
    port: u16,
    keeper: Keeper,
    /// Held as long as the server may run; `None` for a folder nobody else knows.
    _lock: Option<File>,
}

impl Server {
    /// Starts a server that keeps its data in `folder` (made if missing), on `port`; 0 is a free one.
    ///
    /// Started by root it runs as `postgres`; where that account cannot enter the folder, the folder becomes a symbolic link to one below
    /// `/var/lib/postgresql`. A server that a killed stack left on this data is stopped first.
    ///
    /// # Errors
    /// [`Error::Running`] when another process uses the folder, [`Error::PortInUse`], and what else may be missing, closed or full.
    pub async fn start(folder: &Path, port: u16) -> Result<Self, Error> {
        Self::start_with(folder, port, Vec::new(), Vec::new()).await
    }

    /// The same, with variables added to the server's environment, and settings (`name=value`) that win over our own.
    ///
    /// # Errors
    /// As for [`Server::start`].
    pub async fn start_with(
        folder: &Path,
        port: u16,
        environment: Vec<(String, String)>,
        settings: Vec<String>,
    ) -> Result<Self, Error> {
        let lock = lock(folder)?;
        let place = std::path::absolute(folder).map_err(Error::file("find", folder))?;
        let home = Home { environment, settings, ..Home::open(&place, Lifetime::Kept).await? };
        if let Some(pid) = leftover::stop(&home.data()).await {
            eprintln!("PostgreSQL of an earlier run (process {pid}) stopped");
        }
        Self::launch(home, port, Some(lock)).await
    }

    /// Starts a server on a free port, whose data goes when it stops.
    ///
    /// # Errors
    /// As for [`Server::start`].
    pub async fn temporary() -> Result<Self, Error> {
        let account = Account::choose()?;
        let temporary = std::env::temp_dir();
        let parent = if account.reaches(&temporary) { temporary } else { PathBuf::from("/tmp") };
        let folder = parent.join(format!("items-postgres-{}", uuid::Uuid::new_v4().simple()));
        let started = async { Self::launch(Home::open(&folder, Lifetime::Temporary).await?, 0, None).await }.await;
        if started.is_err() {
            let _ = fs::remove_dir_all(folder);
        }
        started
    }

    async fn launch(home: Home, port: u16, lock: Option<File>) -> Result<Self, Error> {
        loop {
            let free = || free_port().map_err(Error::file("find a free port for", &home.folder));
            let chosen = if port == 0 { free()? } else { port };
            match launch(&home, chosen).await {
                // Somebody was faster.
                Err(Error::PortInUse { .. }) if port == 0 => {}
                result => return Ok(Self { keeper: result?, home, port: chosen, _lock: lock }),
            }
        }
    }

    /// The superuser's address, database `postgres`.
    pub fn address(&self) -> Address {
        Address::new("127.0.0.1", self.port, "postgres", &self.home.password, "postgres")
    }

    /// Where the server really keeps its things, its `log` among them.
    pub fn folder(&self) -> &Path {
        &self.home.folder
    }

    /// Its data directory, with `postmaster.pid` in it.
    pub fn data(&self) -> PathBuf {
        self.home.data()
    }

    /// Waits until the server has ended, by whatever cause; cancel safe.
    pub async fn ended(&self) -> ExitStatus {
        self.keeper.ended().await
    }

    /// Starts a server that has ended again, on the same data and port.
    ///
    /// # Errors
    /// As for [`Server::start`].
    pub async fn restart(&mut self) -> Result<(), Error> {
        self.keeper.ended().await;
        // Only the shell above it may have been killed.
        leftover::stop(&self.home.data()).await;
        self.keeper = launch(&self.home, self.port).await?;
        Ok(())
    }

    /// Stops the server: orderly within 20 s, then at once.
    pub async fn stop(self) {
        self.keeper.stop().await;
    }
}

/// Starts the server and waits until it answers.
async fn launch(home: &Home, port: u16) -> Result<Keeper, Error> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let in_use = || Error::PortInUse { address, fix: format!("DB_PORT={} make up", port.wrapping_add(1)) };
    if TcpListener::bind(address).is_err_and(|e| e.kind() == io::ErrorKind::AddrInUse) {
        return Err(in_use());
    }
    let stop = match home.lifetime {
        Lifetime::Kept => Stop { signals: "INT QUIT", remove: None },
        Lifetime::Temporary => Stop { signals: "QUIT", remove: Some(&home.folder) },
    };
    let handover = Instant::now() + HANDOVER_DEADLINE;
    loop {
        let _ = fs::rename(home.log(), home.log().with_extension("old"));
        let failed = |reason| Error::Start { reason, log: home.log() };
        let keeper = Keeper::start(home.account, &home.log(), &stop, &command(home, port));
        let keeper = keeper.map_err(|e| failed(e.to_string()))?;
        if until_ready(home, &keeper).await {
            return Ok(keeper);
        }
        // Before the end of the keeper, which takes a temporary server's folder along.
        let reason = home.complaint();
        drop(keeper);
        if reason.contains("Address already in use") {
            return Err(in_use());
        }
        if !reason.contains("shared memory block") || Instant::now() > handover {
            return Err(failed(reason));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// False when the server ended instead, or the deadline passed.
async fn until_ready(home: &Home, keeper: &Keeper) -> bool {
    let started = Instant::now();
    let mut told = false;
    let ready = async {
        while home.state(keeper.pid).as_deref() != Some("ready") {
            if !told && started.elapsed() > Duration::from_secs(3) {
                told = true;
                eprintln!(
                    "PostgreSQL is still starting (it recovers after a crash); its log is {}",
                    home.log().display()
                );
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = ready => true,
        _ = keeper.ended() => false,
        () = tokio::time::sleep(START_DEADLINE) => false,
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

/// One stack per folder: the lock goes with the process that holds it, however that ends.
fn lock(folder: &Path) -> Result<File, Error> {
    let parent = folder.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(Error::file("make the folder", parent))?;
    let path = folder.with_added_extension("lock");
    let file = File::options().read(true).append(true).create(true).open(&path);
    let mut file = file.map_err(Error::file("write", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let pid = fs::read_to_string(&path).unwrap_or_default().trim().to_owned();
            return Err(Error::Running { folder: folder.into(), pid });
        }
        Err(TryLockError::Error(e)) => return Err(Error::file("lock", &path)(e)),
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(Error::file("write", &path))?;
    Ok(file)
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
