//! The audit of a whole log: every entry is read once, held against the checkpoint, and compared with what the
//! registry serves to those who do not read the log.

mod entries;
mod state;

use std::collections::BTreeSet;

use futures::StreamExt as _;
use openclaw_package::log::{LogError, TILE_WIDTH, TilePath, decode_entries, verify_consistency};
use openclaw_package::{Digest, Envelope, PublisherName, SkillId};

use crate::client::{Client, blocking};
use crate::error::Error;
use crate::progress::{Progress, Transfer};
use crate::state::Evidence;
use crate::transport::{HttpError, Kind};
use crate::trust::{Basis, Fresh, Seal, TrustError};
use entries::Reader;
use state::State;

/// How many bundles of entries are fetched at once.
const AT_ONCE: usize = 4;

/// After how many bundles what was read is proved and remembered.
const SAVED_EVERY: usize = 64;

/// The most findings of one audit: a log of rubbish must not fill the memory.
const MAX_FINDINGS: usize = 1000;

/// Something that the log and what the registry serves do not agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WatchFinding {
    /// The history that is served lacks events that the log has: a release or a revocation is withheld.
    HistoryWithheld {
        /// Whose history.
        publisher: PublisherName,
        /// How many events the log has.
        logged: u64,
    },
    /// The history that was served before has events that the log has not.
    NotInLog {
        /// Whose history.
        publisher: PublisherName,
        /// How many events were served.
        served: u64,
        /// How many the log has.
        logged: u64,
    },
    /// An event of the log that does not continue its publisher's history.
    BadEvent {
        /// The place in the log.
        log_index: u64,
        /// Whose it claims to be.
        publisher: PublisherName,
        /// What is wrong with it.
        message: String,
    },
    /// A takedown that the log has and the signed list has not.
    TakedownWithheld {
        /// The place in the log.
        log_index: u64,
        /// The skill that was taken down.
        skill: SkillId,
    },
    /// A root that the log has and the served chain has not.
    RootWithheld {
        /// The place in the log.
        log_index: u64,
        /// Its fingerprint.
        fingerprint: Digest,
    },
    /// An entry that is none of a registry's log.
    UnknownEntry {
        /// The place in the log.
        log_index: u64,
        /// What is wrong with it.
        message: String,
    },
}

impl WatchFinding {
    /// The stable code of the finding.
    pub fn code(&self) -> &'static str {
        match self {
            Self::HistoryWithheld { .. } => "history-withheld",
            Self::NotInLog { .. } => "not-in-log",
            Self::BadEvent { .. } => "bad-event",
            Self::TakedownWithheld { .. } => "takedown-withheld",
            Self::RootWithheld { .. } => "root-withheld",
            Self::UnknownEntry { .. } => "unknown-entry",
        }
    }
}

/// What an audit of the log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchReport {
    /// How many entries had been read before.
    pub from: u64,
    /// How many entries the log has, all of them read now.
    pub to: u64,
    /// How many publishers' histories were compared with what is served.
    pub compared: u64,
    /// What does not agree.
    pub findings: Vec<WatchFinding>,
}

impl Client {
    /// Reads what the log has since the last audit, proves that it is the log of the checkpoint, and compares.
    ///
    /// # Errors
    ///
    /// An outage; what was read until then is remembered. [`TrustError::LogInconsistent`] where the entries are not
    /// those of the checkpoint.
    pub async fn watch_log(&self, progress: &dyn Progress) -> Result<WatchReport, Error> {
        // What was served before the checkpoint was made must be in its log.
        let seen = self.basis().await?.stored.publishers;
        let fresh = self.refresh().await?;
        let basis = self.basis().await?;
        let registry = self.registry().clone();
        let state = blocking(move || State::read(&registry)).await?;
        let from = state.size();
        let to = fresh.checkpoint.size();
        if from > to {
            // Only a log that shrank could do that, or a file of another log.
            return Err(crate::state::StateError::damaged(
                &self.registry().dir().join(state::FILE),
                "it is ahead of the log; delete it to read the log anew",
            )
            .into());
        }
        let mut reader = Reader::new(state, &basis, &fresh, seen);
        self.read_entries(&mut reader, &basis, &fresh, progress).await?;
        let publishers = reader.take_publishers();
        let compared = publishers.len() as u64;
        self.compare(&mut reader, publishers).await?;
        Ok(WatchReport { from, to, compared, findings: reader.findings })
    }

    async fn read_entries(
        &self,
        reader: &mut Reader,
        basis: &Basis,
        fresh: &Fresh,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let (from, to) = (reader.state.size(), fresh.checkpoint.size());
        let transfer = Transfer::begin(progress, "log entries", from, Some(to));
        let bundles = from / TILE_WIDTH..to.div_ceil(TILE_WIDTH);
        let fetch = |index: u64| async move { (index, self.bundle(index, to).await) };
        let mut fetched = futures::stream::iter(bundles).map(fetch).buffered(AT_ONCE);
        let mut unsaved = 0;
        while let Some((index, entries)) = fetched.next().await {
            let entries = match entries {
                Ok(entries) => entries,
                Err(error) => {
                    self.save(reader, basis, fresh).await?;
                    return Err(error);
                }
            };
            let known = reader.state.size().saturating_sub(index * TILE_WIDTH);
            for entry in entries.iter().skip(usize::try_from(known).unwrap_or(usize::MAX)) {
                reader.read(entry);
                transfer.advance(1);
            }
            unsaved += 1;
            if unsaved == SAVED_EVERY {
                self.save(reader, basis, fresh).await?;
                unsaved = 0;
            }
        }
        self.save(reader, basis, fresh).await
    }

    /// A bundle of entries; whole where the log has grown past it meanwhile, and cut to what the checkpoint has.
    async fn bundle(&self, index: u64, size: u64) -> Result<Vec<Vec<u8>>, Error> {
        let kind = Kind::ENTRIES;
        let width = size.saturating_sub(index * TILE_WIDTH).min(TILE_WIDTH);
        let path = |width: u64| {
            let width = u16::try_from(width).unwrap_or(u16::MAX);
            format!("/{}", TilePath::Entries { index, width })
        };
        let bytes = match self.http().bytes(kind, &path(width), false).await {
            Err(error) if error.is_not_found() && width < TILE_WIDTH => {
                self.http().bytes(kind, &path(TILE_WIDTH), false).await?
            }
            other => other?,
        };
        let mut entries = decode_entries(&bytes).map_err(TrustError::from)?;
        let width = usize::try_from(width).unwrap_or(usize::MAX);
        if entries.len() < width {
            return Err(HttpError::malformed(kind.name, "it has fewer entries than its name says").into());
        }
        entries.truncate(width);
        Ok(entries)
    }

    /// Proves that what was read is the log of the checkpoint, and remembers it.
    async fn save(&self, reader: &Reader, basis: &Basis, fresh: &Fresh) -> Result<(), Error> {
        let (size, root) = (reader.state.size(), reader.state.root());
        let checkpoint = &fresh.checkpoint;
        let holds = if size == 0 {
            true
        } else if size == checkpoint.size() {
            root == *checkpoint.root()
        } else {
            let (proof, _) = self.consistency(size, checkpoint.size()).await?;
            let verified: Result<(), LogError> =
                verify_consistency(size, &root, checkpoint.size(), checkpoint.root(), &proof);
            verified.is_ok()
        };
        if !holds {
            let note = basis.seal.as_ref().map(|seal: &Seal| seal.note.clone()).unwrap_or_default();
            let text = format!("size: {size}\nroot of the entries that were served: {root}\n");
            let evidence =
                Evidence::new("log-inconsistent").file("served.note", note).file("entries.txt", text);
            let evidence = self.registry().keep(evidence)?;
            let registry = self.registry().url().clone();
            return Err(TrustError::LogInconsistent {
                registry,
                from: size,
                to: checkpoint.size(),
                evidence,
            }
            .into());
        }
        let (registry, state) = (self.registry().clone(), reader.state.clone());
        Ok(blocking(move || state.write(&registry)).await?)
    }

    /// Compares what the log has of publishers with what is served as their histories.
    async fn compare(&self, reader: &mut Reader, publishers: BTreeSet<PublisherName>) -> Result<(), Error> {
        let wanted: Vec<_> = publishers
            .into_iter()
            .filter_map(|publisher| {
                let history = reader.state.history(&publisher)?;
                Some((publisher, history.length(), history.head()?))
            })
            .collect();
        let ask = |(publisher, logged, head): (PublisherName, u64, Digest)| async move {
            let served = self.history_lines(&publisher, logged.saturating_sub(1)).await;
            (publisher, logged, head, served)
        };
        let mut answers = futures::stream::iter(wanted).map(ask).buffer_unordered(AT_ONCE);
        while let Some((publisher, logged, head, served)) = answers.next().await {
            let served = match served {
                Err(Error::Http(error)) if error.is_not_found() => Vec::new(),
                other => other?,
            };
            // The event at that place, by its payload: who signed it once more has not changed it.
            let found = served.first().and_then(|event| Envelope::parse(event.entry.as_bytes()).ok());
            if found.is_none_or(|envelope| Digest::of(envelope.payload_unverified()) != head) {
                reader.find(WatchFinding::HistoryWithheld { publisher, logged });
            }
        }
        Ok(())
    }
}
