use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A folder for the data of one stack, and the processes that belong to it.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Run by root, the server has another account, which must be able to enter.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        Self(folder)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The processes that work in this folder or name it on their command line: process id and command line of each.
    pub fn processes(&self) -> Vec<String> {
        let folder = self.path().to_string_lossy();
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter_map(|pid| {
            let process = PathBuf::from(format!("/proc/{pid}"));
            // Empty for a process that has ended and whose parent has not collected it yet.
            let command = fs::read(process.join("cmdline")).ok().filter(|command| !command.is_empty())?;
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            let works_here = fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(self.path()));
            (works_here || command.contains(&*folder)).then(|| format!("{pid} {command}"))
        })
        .collect()
    }

    /// The process of the sidecar, empty if there is none.
    pub fn sidecar(&self) -> String {
        self.processes().into_iter().find(|process| process.contains("/sidecar ")).unwrap_or_default()
    }

    /// The process id of the PostgreSQL server, from the file that it writes.
    pub fn server(&self) -> String {
        let text = fs::read_to_string(self.path().join("data/postgres/data/postmaster.pid")).unwrap_or_default();
        text.lines().next().unwrap_or_default().to_owned()
    }

    /// The path of a manifest like the application's, but with another file for items.
    pub fn manifest_without_items(&self) -> String {
        let root = root();
        let text = fs::read_to_string(root.join("spin.toml")).unwrap().replace("items.wasm", "missing.wasm");
        symlink(root.join("schema"), self.path().join("schema")).unwrap();
        let path = self.path().join("spin.toml");
        fs::write(&path, text.replace("\"target/", &format!("\"{}/target/", root.display()))).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The superuser's URL for a database on the running server.
    pub fn admin_url(&self, database: &str) -> String {
        let line = fs::read_to_string(self.path().join("data/pgpass")).unwrap();
        let [host, port, _, user, password] = line.trim().split(':').collect::<Vec<_>>().try_into().unwrap();
        format!("postgres://{user}:{password}@{host}:{port}/{database}")
    }

    /// Runs a query as superuser and returns its result or the error, as text.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        psql(&self.admin_url(database), sql)
    }

    /// What a refused stack must not have created.
    pub fn has_data(&self) -> bool {
        self.path().join("data").exists()
    }
}

/// Runs a query and returns its result or the error, as text.
pub fn psql(url: &str, sql: &str) -> String {
    let output = Command::new("psql").args(["-XAtc", sql, url]).output().unwrap();
    let text = if output.status.success() { output.stdout } else { output.stderr };
    String::from_utf8_lossy(&text).trim().to_owned()
}

/// Sends a signal to a process given as its id; text after the id is ignored.
pub fn kill(process: &str, signal: Signal) {
    let pid = process.split(' ').next().and_then(|pid| Pid::from_raw(pid.parse().ok()?)).unwrap();
    kill_process(pid, signal).unwrap();
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}
