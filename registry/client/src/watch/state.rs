//! How far a log was read, and what it said until there.

use std::collections::BTreeMap;

use openclaw_package::log::{Appender, TILE_WIDTH, leaf_hash};
use openclaw_package::registry::History;
use openclaw_package::{Digest, PublisherName};
use serde::{Deserialize, Serialize};

use crate::state::{KnownRegistry, StateError, parse_json, read_at_most, replace, to_json};

/// The file in a registry's folder.
pub(super) const FILE: &str = "watch.json";

const SCHEMA: u64 = 1;

/// The largest such file, in bytes: it has a few hundred for each publisher of the log, and what was written must
/// be read again.
const MAX_FILE: u64 = 1 << 30;

/// How far a log was read.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    appender: Appender,
    /// The hashes of the partial tiles, to begin again from.
    edge: Vec<Vec<Digest>>,
    histories: BTreeMap<PublisherName, History>,
}

/// The same as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    schema: u64,
    size: u64,
    edge: Vec<Vec<Digest>>,
    histories: BTreeMap<PublisherName, History>,
}

impl State {
    pub(super) fn read(registry: &KnownRegistry) -> Result<Self, StateError> {
        let path = registry.dir().join(FILE);
        let Some(bytes) = read_at_most(&path, MAX_FILE)? else { return Ok(Self::default()) };
        let Written { size, edge, histories, .. } = parse_json(&path, &bytes)?;
        let appender =
            Appender::new(size, edge.clone()).map_err(|error| StateError::damaged(&path, error))?;
        Ok(Self { appender, edge, histories })
    }

    pub(super) fn write(&self, registry: &KnownRegistry) -> Result<(), StateError> {
        let path = registry.dir().join(FILE);
        let written = Written {
            schema: SCHEMA,
            size: self.size(),
            edge: self.edge.clone(),
            histories: self.histories.clone(),
        };
        let bytes = to_json(&path, &written)?;
        let _lock = registry.lock()?;
        replace(&path, &bytes)
    }

    pub(super) fn size(&self) -> u64 {
        self.appender.size()
    }

    pub(super) fn root(&self) -> Digest {
        self.appender.root()
    }

    pub(super) fn history(&self, publisher: &PublisherName) -> Option<&History> {
        self.histories.get(publisher)
    }

    /// The history of a publisher, empty where the log had nothing of it yet.
    pub(super) fn history_mut(&mut self, new: History) -> &mut History {
        self.histories.entry(new.publisher().clone()).or_insert(new)
    }

    /// Counts an entry, whatever it says.
    pub(super) fn push(&mut self, entry: &[u8]) {
        for (tile, hash) in self.appender.push(leaf_hash(entry)) {
            let level = usize::from(tile.level);
            if self.edge.len() <= level {
                self.edge.push(Vec::new());
            }
            if let Some(hashes) = self.edge.get_mut(level) {
                hashes.push(hash);
                if hashes.len() as u64 == TILE_WIDTH {
                    hashes.clear();
                }
            }
        }
    }
}
