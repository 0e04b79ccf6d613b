//! Compares the tree in the database with the last head, and signs the next.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{Connection, query_as, query_scalar};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, timeout};

use super::head::Head;
use super::key::SigningKey;
use super::known::{Known, replace};
use super::status::Status;
use super::tree::Edge;
use crate::database::Database;
use crate::{Error, config};

/// For one comparison; a first one reads all leaves.
const DEADLINE: Duration = Duration::from_secs(300);
/// Leaves that one statement reads.
const CHUNK: u64 = 10_000;

const TREE: &str = "SELECT size, edge, incarnation FROM public.audit_tree";

/// The contents of the leaves, as the function `audit_append` writes them.
const LEAVES: &str = "
    SELECT json_build_array(first_id, last_id, events, oldest AT TIME ZONE 'UTC', newest AT TIME ZONE 'UTC',
                            encode(digest, 'hex'), incarnation, head)::text
      FROM public.audit_batches WHERE batch >= $1 AND batch < $2 ORDER BY batch";

/// The head that the current incarnation of the trail names as the last one before it.
const NAMED: &str = "SELECT head FROM public.audit_batches WHERE incarnation = $1 ORDER BY batch DESC LIMIT 1";

/// Signs the head of the trail's tree each time it has grown.
pub struct Signer {
    key: SigningKey,
    origin: String,
    file: PathBuf,
    every: Duration,
    known: Option<Known>,
    database: Arc<Database>,
    /// What it found last.
    pub status: Arc<Status>,
}

/// What a comparison found.
enum Found {
    /// The tree has not grown.
    Same,
    /// It has grown, and continues the last head (`next`); or there was none (`first`), or the trail's incarnation
    /// names it as the last one before a restore (`restored`).
    Grown(&'static str, Head, Edge),
    /// It is smaller or different.
    Forked(String),
}

impl Signer {
    /// Reads the key and the last head. The public key is written beside the head, as `key.pub`.
    ///
    /// # Errors
    /// [`Error::AuditKey`], [`Error::AuditHead`]
    pub fn new(config: config::Trail, database: Arc<Database>) -> Result<Self, Error> {
        let config::Trail { key, folder, origin, every } = config;
        let key = SigningKey::read(&key, &origin)?;
        let public = folder.join("key.pub");
        let written = std::fs::create_dir_all(&folder).and_then(|()| replace(&public, &format!("{}\n", key.public())));
        written.map_err(|error| Error::AuditHead(public, error.to_string()))?;
        let file = folder.join("head");
        let known = Known::read(&file)?;
        let status = Arc::<Status>::default();
        if let Some(known) = &known {
            status.signed(&known.note, known.head.size);
        }
        Ok(Self { key, origin, file, every, known, database, status })
    }

    /// The public key as text.
    pub fn public_key(&self) -> String {
        self.key.public().to_string()
    }

    /// Compares and signs now and at each interval, until `stop` becomes true.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut interval = tokio::time::interval(self.every);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failed = false;
        loop {
            let compared = tokio::select! {
                compared = async { interval.tick().await; timeout(DEADLINE, self.compare()).await } => compared,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            let compared = match compared {
                Ok(compared) => compared.map_err(|error| error.to_string()),
                Err(_) => Err(format!("no result within {DEADLINE:?}")),
            };
            let failed_before = std::mem::replace(&mut failed, compared.is_err());
            match compared {
                Ok(found) => self.conclude(found),
                Err(error) if !failed_before => tracing::warn!(error, "trail not compared"),
                Err(_) => {}
            }
        }
    }

    async fn compare(&self) -> Result<Found, sqlx::Error> {
        let mut connection = self.database.connect().await?;
        let (size, nodes, incarnation): (i64, Vec<Vec<u8>>, String) = query_as(TREE).fetch_one(&mut connection).await?;
        let size = size.try_into().unwrap_or_default();
        let (kind, mut edge) = match &self.known {
            None => ("first", Edge::default()),
            Some(known) if known.head.incarnation == incarnation => ("next", known.edge.clone()),
            Some(known) => {
                let named: Option<Option<String>> =
                    query_scalar(NAMED).bind(&incarnation).fetch_optional(&mut connection).await?;
                let named = named.flatten().and_then(|note| Head::read(&note).ok());
                if named.as_ref() != Some(&known.head) {
                    let text =
                        format!("incarnation {incarnation} does not name the head of {} batches", known.head.size);
                    return Ok(Found::Forked(text));
                }
                ("restored", Edge::default())
            }
        };
        if size < edge.size {
            return Ok(Found::Forked(format!("it has {size} batches, {} were signed", edge.size)));
        }
        let before = edge.size;
        while edge.size < size {
            let (first, end) = (edge.size, size.min(edge.size + CHUNK));
            let leaves = leaves(&mut connection, first, end).await?;
            leaves.iter().for_each(|leaf| edge.append(leaf.as_bytes()));
            if edge.size < end {
                return Ok(Found::Forked(format!("of batches {first} to {end} some are missing")));
            }
        }
        connection.close().await?;
        if !nodes.iter().map(Vec::as_slice).eq(edge.nodes.iter().map(<[u8; 32]>::as_slice)) {
            return Ok(Found::Forked(format!("its {size} batches do not continue the {before} of the last head")));
        }
        if kind == "next" && size == before {
            return Ok(Found::Same);
        }
        Ok(Found::Grown(kind, Head::new(&self.origin, &incarnation, &edge), edge))
    }

    fn conclude(&mut self, found: Found) {
        let forked = matches!(found, Found::Forked(_));
        let changed = self.status.compared(forked);
        match found {
            Found::Forked(error) if changed => tracing::error!(error, "trail forked"),
            Found::Forked(_) => {}
            Found::Same if changed => tracing::info!("trail continues its last head again"),
            Found::Same => {}
            Found::Grown(kind, head, edge) => {
                let known = Known { note: head.sign(&self.key), head, edge };
                // A head that a restart would forget is not handed out.
                if let Err(error) = known.keep(&self.file) {
                    return tracing::error!(%error, file = %self.file.display(), "trail head not kept");
                }
                tracing::info!(checkpoint = known.note, kind, "trail head signed");
                self.status.signed(&known.note, known.head.size);
                self.known = Some(known);
            }
        }
    }
}

async fn leaves(connection: &mut PgConnection, first: u64, end: u64) -> Result<Vec<String>, sqlx::Error> {
    let [first, end] = [first, end].map(|batch| i64::try_from(batch).unwrap_or(i64::MAX));
    query_scalar(LEAVES).bind(first).bind(end).fetch_all(connection).await
}
