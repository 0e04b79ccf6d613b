mod account;
mod home;
mod keeper;
mod launch;
mod leftover;
mod lock;
mod settings;

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use self::account::Account;
use self::home::Home;
use self::keeper::Keeper;
use self::launch::launch;
pub use self::settings::{Lifetime, settings};
use crate::files::check_owner;
use crate::{Address, Error};

/// A PostgreSQL server on 127.0.0.1 from installed programs. It stops when this value is dropped or its process ends,
/// even by `SIGKILL`.
pub struct Server {
    home: Home,
    port: u16,
    keeper: Keeper,
    /// Held as long as the server may run; `None` for a temporary folder, which nothing else uses.
    _lock: Option<File>,
}

impl Server {
    /// Starts a server that keeps its data in `folder` (created if missing), on `port`; 0 is a free one. `environment`
    /// is added to its environment; `settings` (`name=value`) override those of [`settings`].
    ///
    /// Started by root it runs as `postgres`; if that account cannot enter the folder, the folder becomes a symbolic
    /// link to one below `/var/lib/postgresql`. A server that a killed stack left on this data is stopped first.
    ///
    /// # Errors
    /// [`Error::Foreign`] when the folder belongs to another account, [`Error::Running`] when another process uses it,
    /// both before anything is changed; [`Error::PortInUse`], and errors of installation, file
    /// system and memory.
    pub async fn start(
        folder: &Path,
        port: u16,
        environment: Vec<(String, String)>,
        settings: Vec<String>,
    ) -> Result<Self, Error> {
        let owners = Account::choose()?.owners();
        let lock_file = lock::file(folder);
        for path in [folder, &folder.join("data"), &folder.join("password"), &lock_file] {
            check_owner(path, &owners)?;
        }
        let lock = lock::lock(folder)?;
        let place = std::path::absolute(folder).map_err(Error::file("find", folder))?;
        let home = Home { environment, settings, ..Home::open(&place, Lifetime::Kept).await? };
        if let Some(pid) = leftover::stop(&home.data()).await {
            eprintln!("PostgreSQL of an earlier run (process {pid}) stopped");
        }
        leftover::remove_stale_pid_file(&home.data())?;
        Self::launch(home, port, Some(lock)).await
    }

    /// Starts a server on a free port, whose data is removed when it stops.
    pub async fn temporary() -> Result<Self, Error> {
        let temporary = std::env::temp_dir();
        let parent = if Account::choose()?.can_enter(&temporary) { temporary } else { PathBuf::from("/tmp") };
        let folder = parent.join(format!("items-postgres-{}", uuid::Uuid::new_v4().simple()));
        let started = async { Self::launch(Home::open(&folder, Lifetime::Temporary).await?, 0, None).await }.await;
        if started.is_err() {
            let _ = fs::remove_dir_all(folder);
        }
        started
    }

    async fn launch(home: Home, port: u16, lock: Option<File>) -> Result<Self, Error> {
        let free_port = || Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port());
        loop {
            let chosen = match port {
                0 => free_port().map_err(Error::file("find a free port for", &home.folder))?,
                port => port,
            };
            match launch(&home, chosen).await {
                // Another process took the free port first.
                Err(Error::PortInUse(..)) if port == 0 => {}
                keeper => return Ok(Self { keeper: keeper?, home, port: chosen, _lock: lock }),
            }
        }
    }

    /// The superuser's address, database `postgres`.
    pub fn address(&self) -> Address {
        Address::new("127.0.0.1", self.port, "postgres", &self.home.password, "postgres")
    }

    /// The folder of the server's files, with symbolic links resolved; its `log` is there.
    pub fn folder(&self) -> &Path {
        &self.home.folder
    }

    /// Its data directory, with `postmaster.pid` in it.
    pub fn data(&self) -> PathBuf {
        self.home.data()
    }

    /// The path of its log and the last lines in it, for a message.
    pub(crate) fn log_end(&self) -> String {
        self.home.log_end()
    }

    /// Waits until the server has ended, for any reason; cancel safe.
    pub async fn ended(&self) -> ExitStatus {
        self.keeper.ended().await
    }

    /// Starts a server that has ended again, on the same data and port.
    pub async fn restart(&mut self) -> Result<(), Error> {
        self.keeper.ended().await;
        // Perhaps only the shell above the server was killed.
        leftover::stop(&self.home.data()).await;
        leftover::remove_stale_pid_file(&self.home.data())?;
        self.keeper = launch(&self.home, self.port).await?;
        Ok(())
    }

    /// Stops the server: orderly within 20 s, then at once.
    pub async fn stop(self) {
        self.keeper.stop().await;
    }
}
