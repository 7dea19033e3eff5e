//! What a publisher's history says of the versions of one skill: the one place where releases meet their yanks.

use std::collections::BTreeMap;

use semver::Version;

use super::event::{Action, Event, Release};
use crate::key::PublicKey;
use crate::name::SkillName;

/// A version, and what its publisher said of it later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released {
    /// The release; where the history has the version twice, the first.
    pub release: Release,
    /// The place of the release's event in the log.
    pub log_index: u64,
    /// Why it was yanked, if it was.
    pub yanked: Option<String>,
    /// Whether the history has the version again: then nothing tells which of the two is meant.
    pub is_ambiguous: bool,
}

/// The versions of one skill. It believes what it is told: the events are to be checked by a history first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Releases {
    versions: BTreeMap<Version, Released>,
    /// Why keys were revoked. Those that signed a release are known only when all events are.
    revoked: BTreeMap<PublicKey, String>,
}

impl Releases {
    /// Takes in the next event of a history, and what it says of that skill. A yank of what was not released yet counts
    /// for nothing.
    pub fn note(&mut self, event: &Event, log_index: u64, skill: &SkillName) {
        match &event.action {
            Action::Release(release) if release.name == *skill => {
                let new =
                    || Released { release: release.clone(), log_index, yanked: None, is_ambiguous: false };
                self.versions
                    .entry(release.version.clone())
                    .and_modify(|found| found.is_ambiguous = true)
                    .or_insert_with(new);
            }
            Action::Yank { name, version, reason } if name == skill => {
                self.set_yanked(version, Some(reason.to_string()));
            }
            Action::Unyank { name, version, .. } if name == skill => self.set_yanked(version, None),
            Action::Revoke { key, reason } => {
                self.revoked.insert(key.clone(), reason.to_string());
            }
            _ => {}
        }
    }

    fn set_yanked(&mut self, version: &Version, yanked: Option<String>) {
        if let Some(found) = self.versions.get_mut(version) {
            found.yanked = yanked;
        }
    }

    /// What is known of a version.
    pub fn get(&self, version: &Version) -> Option<&Released> {
        self.versions.get(version)
    }

    /// All versions, the lowest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Version, &Released)> {
        self.versions.iter()
    }

    /// Why the key that signed a release was revoked after it, if it was. Before it a history takes none.
    pub fn signer_revocation(&self, release: &Release) -> Option<&str> {
        self.revoked.get(&release.signer).map(String::as_str)
    }
}
