//! What the entries of a log say, one by one.

use std::collections::{BTreeMap, BTreeSet};

use openclaw_package::registry::event::EVENT_PAYLOAD_TYPE;
use openclaw_package::registry::root::{ROOT_PAYLOAD_TYPE, fingerprint};
use openclaw_package::registry::takedown::TAKEDOWN_PAYLOAD_TYPE;
use openclaw_package::registry::{Event, History, TakedownNotice, Takedowns, TrustedRoot};
use openclaw_package::{Digest, Envelope, Origin, PublisherName};

use super::state::State;
use super::{MAX_FINDINGS, WatchFinding};
use crate::state::Seen;
use crate::text::shown;
use crate::trust::{Basis, Fresh, version_unverified};

/// Reads a log entry by entry.
pub(super) struct Reader {
    pub(super) state: State,
    pub(super) findings: Vec<WatchFinding>,
    origin: Origin,
    chain: Vec<TrustedRoot>,
    takedowns: Takedowns,
    seen: BTreeMap<PublisherName, Seen>,
    changed: BTreeSet<PublisherName>,
}

impl Reader {
    pub(super) fn new(
        state: State,
        basis: &Basis,
        fresh: &Fresh,
        seen: BTreeMap<PublisherName, Seen>,
    ) -> Self {
        Self {
            state,
            findings: Vec::new(),
            origin: fresh.root.root().origin().clone(),
            chain: basis.chain.clone(),
            takedowns: fresh.takedowns.clone(),
            seen,
            changed: BTreeSet::new(),
        }
    }

    pub(super) fn find(&mut self, finding: WatchFinding) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        }
    }

    pub(super) fn read(&mut self, entry: &[u8]) {
        let log_index = self.state.size();
        self.state.push(entry);
        let envelope = match Envelope::parse(entry) {
            Ok(envelope) => envelope,
            Err(error) => {
                let message = shown(&error.to_string());
                return self.find(WatchFinding::UnknownEntry { log_index, message });
            }
        };
        match envelope.payload_type_unverified() {
            EVENT_PAYLOAD_TYPE => self.read_event(log_index, &envelope),
            TAKEDOWN_PAYLOAD_TYPE => self.read_takedown(log_index, &envelope),
            ROOT_PAYLOAD_TYPE => self.read_root(log_index, &envelope),
            other => {
                let message = format!("its type is {:?}", shown(other));
                self.find(WatchFinding::UnknownEntry { log_index, message });
            }
        }
    }

    fn read_event(&mut self, log_index: u64, envelope: &Envelope) {
        let publisher = match Event::read_unverified(envelope) {
            Ok(event) => event.publisher,
            Err(error) => {
                let message = shown(&error.to_string());
                return self.find(WatchFinding::UnknownEntry { log_index, message });
            }
        };
        let new = History::new(self.origin.clone(), publisher.clone());
        let history = self.state.history_mut(new);
        if let Err(error) = history.accept(envelope) {
            let message = shown(&error.to_string());
            return self.find(WatchFinding::BadEvent { log_index, publisher, message });
        }
        let (length, head) = (history.length(), history.head());
        // What was served before must be what the log has at the same place.
        if let Some(seen) = self.seen.get(&publisher).filter(|seen| seen.length == length)
            && head != Some(seen.head)
        {
            let (served, logged) = (seen.length, length);
            self.find(WatchFinding::NotInLog { publisher: publisher.clone(), served, logged });
        }
        self.changed.insert(publisher);
    }

    fn read_takedown(&mut self, log_index: u64, envelope: &Envelope) {
        let notice =
            self.chain.iter().rev().find_map(|root| {
                TakedownNotice::verify(envelope, &self.origin, root.root().takedown_key()).ok()
            });
        match notice {
            // Of a key from before the pinned root nothing can be said.
            None => {
                let message = "a takedown that no known key has signed".to_owned();
                self.find(WatchFinding::UnknownEntry { log_index, message });
            }
            Some(notice) if !self.takedowns.takedowns.contains(&notice.takedown) => {
                let skill = notice.takedown.skill;
                self.find(WatchFinding::TakedownWithheld { log_index, skill });
            }
            Some(_) => {}
        }
    }

    fn read_root(&mut self, log_index: u64, envelope: &Envelope) {
        let found: Digest = fingerprint(envelope);
        if self.chain.iter().any(|root| root.fingerprint() == found) {
            return;
        }
        // A root from before the pinned one is no business of those who pinned a later one.
        let version = version_unverified(envelope).unwrap_or(u64::MAX);
        let first = self.chain.first().map_or(1, |root| root.root().version());
        if version >= first {
            self.find(WatchFinding::RootWithheld { log_index, fingerprint: found });
        }
    }

    /// The publishers whose histories are to be compared: those with new events, and those that were dealt with.
    pub(super) fn take_publishers(&mut self) -> BTreeSet<PublisherName> {
        let mut publishers = std::mem::take(&mut self.changed);
        for (publisher, seen) in std::mem::take(&mut self.seen) {
            let logged = self.state.history(&publisher).map_or(0, History::length);
            if logged < seen.length {
                let (publisher, served) = (publisher.clone(), seen.length);
                self.find(WatchFinding::NotInLog { publisher, served, logged });
            }
            publishers.insert(publisher);
        }
        publishers
    }
}
