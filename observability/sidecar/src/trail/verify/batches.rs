//! The leaves of the tree.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;
use sqlx::postgres::PgConnection;
use sqlx::{query_as, query_scalar};

use super::Report;
use crate::trail::tree::{Edge, Hash};

/// The contents of the leaves, as the function `audit_append` writes them, and their numbers.
const LEAVES: &str = "
    SELECT batch, json_build_array(first_id, last_id, events, oldest AT TIME ZONE 'UTC', newest AT TIME ZONE 'UTC',
                                   encode(digest, 'hex'), incarnation, head)::text
      FROM public.audit_batches ORDER BY batch";

const TREE: &str = "SELECT size, edge FROM public.audit_tree";

/// The members of a leaf: `first_id`, `last_id`, `events`, `oldest`, `newest`, `digest`, `incarnation`, `head`.
type Leaf =
    (Option<i64>, Option<i64>, u64, Option<String>, Option<String>, Option<String>, Option<String>, Option<String>);

/// A batch that holds or held events.
#[derive(Debug)]
pub struct Batch {
    /// Its number, which is the index of its leaf.
    pub number: u64,
    /// Its smallest id.
    pub first: i64,
    /// Its largest id.
    pub last: i64,
    /// How many events were stored in it.
    pub events: u64,
    /// The digest of their digests, in hexadecimal digits.
    pub digest: String,
}

/// A batch that begins an incarnation of the trail.
#[derive(Debug)]
pub struct Beginning {
    /// Its number.
    pub number: u64,
    /// The incarnation.
    pub incarnation: String,
    /// The last head of the one before, as an administrator stated it.
    pub head: Option<String>,
}

/// All batches.
#[derive(Debug, Default)]
pub struct Batches {
    /// How many leaves there are.
    pub size: u64,
    /// Those with events, in the order of their ids.
    pub events: Vec<Batch>,
    /// Those without, in the order of their numbers.
    pub beginnings: Vec<Beginning>,
    /// The root of the tree at each size that was asked for.
    pub roots: BTreeMap<u64, Hash>,
}

impl Batches {
    /// Reads them all and computes the roots at `sizes`.
    pub async fn read(
        connection: &mut PgConnection,
        sizes: &BTreeSet<u64>,
        report: &mut Report,
    ) -> Result<Self, sqlx::Error> {
        let mut batches = Self::default();
        let mut edge = Edge::default();
        let mut rows = query_as::<_, (i64, String)>(LEAVES).fetch(&mut *connection);
        while let Some((number, leaf)) = rows.try_next().await? {
            if u64::try_from(number) != Ok(edge.size) {
                report.wrong(edge.size, "it is not in audit_batches");
                break;
            }
            batches.add(edge.size, &leaf, report);
            edge.append(leaf.as_bytes());
            if sizes.contains(&edge.size) {
                batches.roots.insert(edge.size, edge.root());
            }
        }
        drop(rows);
        batches.size = edge.size;
        batches.events.sort_by_key(|batch| batch.first);
        for pair in batches.events.windows(2).filter(|pair| pair[0].last >= pair[1].first) {
            report.wrong(pair[0].number.max(pair[1].number), "its ids are also those of another batch");
        }
        let tree: Option<(i64, Vec<Vec<u8>>)> = query_as(TREE).fetch_optional(connection).await?;
        let same = tree.is_some_and(|(size, nodes)| {
            u64::try_from(size) == Ok(edge.size) && nodes.iter().eq(edge.nodes.iter().map(|node| node.as_slice()))
        });
        if !same {
            report.wrong(
                edge.size,
                "audit_tree is another tree than that of audit_batches, to which it would be appended",
            );
        }
        Ok(batches)
    }

    fn add(&mut self, number: u64, leaf: &str, report: &mut Report) {
        match serde_json::from_str::<Leaf>(leaf) {
            Ok((Some(first), Some(last), events, _, _, Some(digest), None, None)) => {
                self.events.push(Batch { number, first, last, events, digest });
            }
            Ok((None, None, 0, None, None, None, Some(incarnation), head)) => {
                self.beginnings.push(Beginning { number, incarnation, head });
            }
            _ => report.wrong(number, "it is neither a batch of events nor the beginning of an incarnation"),
        }
    }
}

/// Ids of events that were stored before there was a tree, and are in no batch yet.
pub async fn unbatched(connection: &mut PgConnection) -> Result<Option<(i64, i64)>, sqlx::Error> {
    let query = "SELECT ARRAY[lower(unbatched), upper(unbatched)] FROM public.audit_tree WHERE NOT isempty(unbatched)";
    let ids: Option<Vec<Option<i64>>> = query_scalar(query).fetch_optional(connection).await?;
    Ok(ids.and_then(|ids| Some(((*ids.first()?)?, (*ids.get(1)?)?))))
}
