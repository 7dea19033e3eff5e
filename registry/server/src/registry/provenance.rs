//! All that is needed to believe a release without believing the registry.

use openclaw_package::registry::{LoggedEvent, Provenance};
use openclaw_package::{PublisherName, SkillId};
use semver::Version;

use super::entries::proof;
use super::page::visible_release;
use super::{Caller, Registry};
use crate::error::{Fault, Result};
use crate::store::{accounts, log, read_head};

impl Registry {
    /// All that is needed to believe a release, of one state of the registry.
    ///
    /// # Errors
    ///
    /// A release that the caller may not see; a failing database.
    pub async fn provenance(&self, caller: &Caller, id: &SkillId, version: &Version) -> Result<Provenance> {
        let mut snapshot = self.store().snapshot().await?;
        let (_, release) = visible_release(&mut snapshot, caller, id, version).await?;
        let head = read_head(&mut snapshot).await?;
        let roots = log::roots(&mut snapshot).await?.into_iter().map(|(_, entry)| text(entry));
        let roots = roots.collect::<Result<_>>()?;
        let events = accounts::events(&mut snapshot, id.publisher(), 0, head.size).await?;
        let newest = events.last().map(|(index, _)| *index);
        let newest = newest.ok_or_else(|| Fault::Damaged("a release without a history".to_owned()))?;
        let release = proof(&mut snapshot, release.log_index, &head).await?.to_string();
        let newest = proof(&mut snapshot, newest, &head).await?.to_string();
        let history = events.into_iter().map(logged).collect::<Result<_>>()?;
        Ok(Provenance { roots, history, release, head: newest })
    }

    /// The events of a publisher from a place in its history on, as many as one answer has.
    ///
    /// # Errors
    ///
    /// [`crate::Refusal::NotFound`] where there is no such publisher.
    pub async fn history(&self, publisher: &PublisherName, after: u64) -> Result<Vec<LoggedEvent>> {
        /// So that an answer stays below some megabytes; a client asks again from where it ended.
        const MOST: u64 = 1000;
        const MOST_BYTES: usize = 2 << 20;
        /// An answer of fewer is the last.
        const LEAST: usize = 256;
        let mut connection = self.store().read().await?;
        accounts::existing_history(&mut connection, publisher).await?;
        let mut events = accounts::events(&mut connection, publisher, after, MOST).await?;
        let mut size: usize = events.iter().map(|(_, entry)| entry.len()).sum();
        while events.len() > LEAST && size > MOST_BYTES {
            size -= events.pop().map_or(0, |(_, entry)| entry.len());
        }
        events.into_iter().map(logged).collect()
    }
}

fn text(entry: Vec<u8>) -> Result<String> {
    Ok(String::from_utf8(entry).map_err(|error| Fault::damaged("an entry of the log", error))?)
}

fn logged((index, entry): (u64, Vec<u8>)) -> Result<LoggedEvent> {
    Ok(LoggedEvent { index, entry: text(entry)? })
}
