//! Reads a whole trail and compares it with checkpoints that were kept elsewhere.
//!
//! What it computes itself: every digest, every leaf, every root. Of the database it uses only what PostgreSQL itself
//! has, no function of the schema, which its owner may have replaced.

mod batches;
mod events;
mod heads;

use std::path::{Path, PathBuf};
use std::{fmt, io};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};

use self::batches::Batches;
use self::heads::Heads;
use super::head::notes;
use super::key::PublicKey;

/// Why a trail could not be verified; that it is wrong is a [`Report`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that is needed cannot be read.
    #[error("cannot read {0}")]
    File(PathBuf, #[source] io::Error),
    /// Neither a key nor a file with keys.
    #[error(
        "no public key of a trail in {0}: {1}; fix: KEY= what /checkpoint/key of the sidecar responds, or a file with it"
    )]
    Key(String, &'static str),
    /// Nothing to compare with.
    #[error(
        "no checkpoint in {0}; fix: HEADS= what /checkpoint of the sidecar responded, or log lines with `checkpoint`"
    )]
    NoHeads(PathBuf),
    /// The database cannot be read.
    #[error("cannot read the trail: {0}")]
    Database(String),
}

impl From<sqlx::Error> for Error {
    /// Without the source, whose text would repeat the server's message.
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned()))
    }
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The first wrong batch, and what is wrong with it.
    pub wrong: Option<(u64, String)>,
    /// What an administrator stated, and what cannot be verified for that.
    pub restored: Vec<String>,
    /// Batches that the largest matching head covers.
    pub batches: u64,
    /// Events in them.
    pub events: u64,
    /// Events in the batches after them.
    pub newer: u64,
}

impl Report {
    /// Notes that `batch` is wrong. The first one counts.
    fn wrong(&mut self, batch: u64, what: impl Into<String>) {
        if self.wrong.as_ref().is_none_or(|(first, _)| batch < *first) {
            self.wrong = Some((batch, what.into()));
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.restored.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        match &self.wrong {
            Some((batch, what)) => write!(f, "batch {batch} is wrong: {what}"),
            None => {
                let Self { batches, events, newer, .. } = self;
                write!(f, "verified to batch {batches}, {events} events, {newer} newer than the last head")
            }
        }
    }
}

/// The keys in `key`: one as text, or a file with one in each line.
///
/// # Errors
/// [`Error::Key`]
pub fn keys(key: &str) -> Result<Vec<PublicKey>, Error> {
    let text = std::fs::read_to_string(key).unwrap_or_else(|_| key.to_owned());
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let keys: Result<Vec<_>, _> = lines.map(str::parse).collect();
    match keys {
        Ok(keys) if !keys.is_empty() => Ok(keys),
        Ok(_) => Err(Error::Key(key.to_owned(), "it is empty")),
        Err(reason) => Err(Error::Key(key.to_owned(), reason)),
    }
}

/// All checkpoints in a file, or in the files of a folder.
///
/// # Errors
/// [`Error::File`], [`Error::NoHeads`]
pub fn checkpoints(path: &Path) -> Result<Vec<String>, Error> {
    let unreadable = |error| Error::File(path.to_owned(), error);
    let files: Vec<PathBuf> = if path.is_dir() {
        let entries =
            std::fs::read_dir(path).map_err(unreadable)?.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
        entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_file()).collect()
    } else {
        vec![path.to_owned()]
    };
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read(&file).map_err(|error| Error::File(file, error))?;
        found.extend(notes(&String::from_utf8_lossy(&text)));
    }
    if found.is_empty() { Err(Error::NoHeads(path.to_owned())) } else { Ok(found) }
}

/// Verifies the trail in the database at `url` against `checkpoints`. `progress` is called with the number of events
/// read, now and then.
///
/// # Errors
/// [`Error::Database`]
pub async fn verify(
    url: &str,
    keys: &[PublicKey],
    checkpoints: &[String],
    progress: impl Fn(u64),
) -> Result<Report, Error> {
    let mut report = Report::default();
    let heads = Heads::open(checkpoints, keys, &mut report);
    let options: PgConnectOptions = url.parse()?;
    let options = options.application_name("sidecar verify").disable_statement_logging();
    let mut connection = PgConnection::connect_with(&options).await?;
    // One moment for all statements. No object of the schema has a name without `public.` here.
    for setting in [
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        "SET LOCAL search_path = pg_catalog",
        "SET LOCAL statement_timeout = 0",
        "SET LOCAL idle_in_transaction_session_timeout = 0",
    ] {
        sqlx::raw_sql(setting).execute(&mut connection).await?;
    }
    let batches = Batches::read(&mut connection, &heads.sizes(), &mut report).await?;
    report.batches = heads.compare(&batches, keys, &mut report);
    events::compare(&mut connection, &batches, &mut report, progress).await?;
    connection.close().await?;
    Ok(report)
}
