//! From a skill and a range of versions to one release that is proved.
//!
//! The index only suggests. Which version is the highest, which were yanked and by whose keys each was released
//! is taken from the publisher's history, which the log has; what was taken down from the signed list.

mod choose;
mod error;

use openclaw_package::registry::{Index, IndexEntry, ProvenRelease, Provenance, Visibility};
use openclaw_package::{Digest, SkillId};
use semver::{Version, VersionReq};

pub use error::{ResolveError, Withdrawn};

use crate::client::Client;
use crate::error::Error;
use crate::state::{Seen, Update};
use crate::transport::{HttpError, Kind, paths};
use crate::trust::{Fresh, Seal, TrustError, check_seen};
use choose::{Candidate, choose};

/// How often it is begun anew where something changed in the middle.
const MAX_TRIES: usize = 4;

/// What else decides which version is chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResolveOptions {
    /// The version that is installed: no older one is chosen unasked.
    pub installed: Option<Version>,
    /// The version and archive that a lockfile pins: exactly that one, yanked or not.
    pub locked: Option<(Version, Digest)>,
    /// Whether pre-releases may be chosen where the range does not name one.
    pub pre_releases: bool,
    /// Whether an older version than the installed one may be chosen.
    pub downgrade: bool,
}

/// A release that was chosen and proved.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The skill.
    pub skill: SkillId,
    /// What is proved of the release.
    pub proven: ProvenRelease,
    /// The proof, to be kept beside the installed package.
    pub provenance: Provenance,
    /// What the index says of it: sizes and addresses.
    pub entry: IndexEntry,
    /// Higher versions that match, are in the history, and were left out: each with the reason.
    pub passed_over: Vec<(Version, String)>,
}

impl Resolved {
    /// The version.
    pub fn version(&self) -> &Version {
        &self.proven.release.version
    }

    /// The digest of the archive.
    pub fn archive(&self) -> &Digest {
        &self.proven.release.archive
    }

    /// Why it was yanked, if it was: then a lockfile pins it.
    pub fn yanked(&self) -> Option<&str> {
        self.proven.yanked()
    }

    /// Why the key that signed it was revoked later, if it was.
    pub fn signer_revocation(&self) -> Option<String> {
        self.proven.signer_revocation().map(str::to_owned)
    }

    /// Whether the key that signed it was revoked later.
    pub fn is_signer_revoked(&self) -> bool {
        self.proven.is_signer_revoked()
    }
}

impl Client {
    /// Chooses the highest version that matches and may be chosen, and proves it.
    ///
    /// # Errors
    ///
    /// [`ResolveError`] where no version may be chosen, [`TrustError`] where something does not hold, an outage.
    pub async fn resolve(
        &self,
        skill: &SkillId,
        range: &VersionReq,
        options: &ResolveOptions,
    ) -> Result<Resolved, Error> {
        let wanted = Wanted { skill, range, options };
        let fresh = self.fresh().await?;
        match self.resolve_once(&wanted, &fresh, false).await {
            // A release, yank or takedown between two requests looks like a lie, and what was once kept of a lie
            // like the truth: ask once more for everything, past all caches.
            Err(error) if may_have_changed(&error) => {
                let fresh = self.refresh().await?;
                self.resolve_once(&wanted, &fresh, true).await
            }
            other => other,
        }
    }

    async fn resolve_once(
        &self,
        wanted: &Wanted<'_>,
        fresh: &Fresh,
        past_caches: bool,
    ) -> Result<Resolved, Error> {
        let index = self.index_of(wanted.skill, past_caches).await?;
        self.resolve_by(wanted, fresh, &index).await
    }

    async fn index_of(&self, skill: &SkillId, fresh: bool) -> Result<Index, Error> {
        match self.index_by(skill, fresh).await {
            Err(Error::Http(error)) if error.is_not_found() => {
                let has_token = self.has_token();
                Err(ResolveError::NoSkill { skill: skill.clone(), has_token }.into())
            }
            other => other,
        }
    }

    async fn resolve_by(&self, wanted: &Wanted<'_>, fresh: &Fresh, index: &Index) -> Result<Resolved, Error> {
        let mut next = wanted.suggested(fresh, index)?;
        for _ in 0..MAX_TRIES {
            let (provenance, proven) = self.prove(wanted.skill, &next, fresh).await?;
            let best = wanted.proved(fresh, index, &proven)?;
            if best.version == next {
                return wanted.finish(index, best, provenance, proven);
            }
            next = best.version;
        }
        Err(HttpError::Timeout { what: Kind::PROVENANCE.name }.into())
    }

    /// Fetches the proof of a version, checks it whole, and remembers what it shows of log and history.
    pub(crate) async fn prove(
        &self,
        skill: &SkillId,
        version: &Version,
        fresh: &Fresh,
    ) -> Result<(Provenance, ProvenRelease), Error> {
        let path = paths::provenance(skill, version);
        // An old proof would hold, but not show the newest event.
        let bytes = match self.http().bytes(Kind::PROVENANCE, &path, true).await {
            Err(error) if error.is_not_found() => {
                return Err(TrustError::IndexDiffers {
                    skill: skill.clone(),
                    version: version.clone(),
                    what: "existence",
                }
                .into());
            }
            other => other?,
        };
        let provenance: Provenance = serde_json::from_slice(&bytes)
            .map_err(|error| HttpError::malformed(Kind::PROVENANCE.name, error))?;
        let (provenance, proven) = self.verify(provenance, skill, version).await?;
        // Which log key counts is decided by the newest root: an older chain could bring back a key that was given up.
        if proven.root != fresh.root {
            let (seen, served) = (fresh.root.root().version(), proven.root.root().version());
            return Err(TrustError::RootRolledBack { seen, served }.into());
        }
        self.observe(skill, &provenance, &proven).await?;
        Ok((provenance, proven))
    }

    /// Checks a proof where it holds up nobody: a hostile one can ask for many signatures to be checked.
    async fn verify(
        &self,
        provenance: Provenance,
        skill: &SkillId,
        version: &Version,
    ) -> Result<(Provenance, ProvenRelease), Error> {
        let pinned = self.registry().fingerprint();
        let (skill, version) = (skill.clone(), version.clone());
        let checked = tokio::task::spawn_blocking(move || {
            let proven = provenance.verify(&pinned, &skill, &version);
            proven.map(|proven| (provenance, proven))
        });
        let checked = checked.await.map_err(|error| HttpError::Setup(error.to_string()))?;
        Ok(checked.map_err(TrustError::from)?)
    }

    /// Holds a proof against what was seen of log and history before, and remembers what is newer.
    async fn observe(
        &self,
        skill: &SkillId,
        provenance: &Provenance,
        proven: &ProvenRelease,
    ) -> Result<(), Error> {
        let served = Seal { checkpoint: proven.checkpoint.clone(), note: proven.note.clone() };
        for _ in 0..MAX_TRIES {
            let basis = self.basis().await?;
            let publisher = skill.publisher();
            let seen = basis.stored.publishers.get(publisher).copied();
            check_seen(self.registry(), publisher, seen, &proven.events, &provenance.history)?;
            self.check_related(basis.seal.as_ref(), &served).await?;
            let mut update = Update::default();
            if basis.seal.as_ref().is_none_or(|seen| seen.checkpoint.size() < served.checkpoint.size()) {
                update.checkpoint = Some(served.note.clone());
            }
            let now = proven.history.head().map(|head| Seen { length: proven.history.length(), head });
            if now != seen {
                update.publishers.extend(now.map(|now| (publisher.clone(), now)));
            }
            if self.commit(basis.stored, update).await? {
                return Ok(());
            }
        }
        Err(HttpError::Timeout { what: Kind::PROVENANCE.name }.into())
    }
}

/// What is asked for.
struct Wanted<'a> {
    skill: &'a SkillId,
    range: &'a VersionReq,
    options: &'a ResolveOptions,
}

impl Wanted<'_> {
    /// The version that the index suggests.
    fn suggested(&self, fresh: &Fresh, index: &Index) -> Result<Version, Error> {
        // What is pinned is asked for by name: no index can hide it.
        if let Some((version, _)) = &self.options.locked {
            return Ok(version.clone());
        }
        let candidates: Vec<Candidate> = index
            .iter()
            .map(|(version, entry)| Candidate {
                version: version.clone(),
                yanked: entry.yanked.clone(),
                taken_down: fresh
                    .takedowns
                    .find(self.skill, version, &entry.archive)
                    .map(|takedown| takedown.reason.to_string()),
            })
            .collect();
        match choose(self.skill, self.range, self.options, &candidates) {
            Ok(choice) => Ok(choice.version),
            // That all are yanked may be a lie of the index: the history decides, and any of its proofs has it.
            Err(refused) => {
                let all = self.skill;
                let unyanked: Vec<Candidate> =
                    candidates.iter().cloned().map(|one| Candidate { yanked: None, ..one }).collect();
                let choice = choose(all, self.range, self.options, &unyanked).map(|choice| choice.version);
                // Nor is it believed that nothing fits: with any version comes the whole history.
                let any = candidates.last().map(|one| one.version.clone());
                choice.ok().or(any).or_else(|| self.options.installed.clone()).ok_or_else(|| refused.into())
            }
        }
    }

    /// The version that the history shows to be the best.
    fn proved(&self, fresh: &Fresh, index: &Index, proven: &ProvenRelease) -> Result<choose::Choice, Error> {
        let candidates: Vec<Candidate> = proven
            .releases
            .iter()
            .filter(|(version, found)| {
                // A private release is no business of those who look for a public one.
                found.release.visibility == Visibility::Public || index.get(version).is_some()
            })
            .map(|(version, found)| {
                let takedown = fresh.takedowns.find(self.skill, version, &found.release.archive);
                Candidate {
                    version: version.clone(),
                    yanked: found.yanked.clone(),
                    taken_down: takedown.map(|takedown| takedown.reason.to_string()),
                }
            })
            .collect();
        let choice = choose(self.skill, self.range, self.options, &candidates)?;
        let (skill, version) = (self.skill.clone(), choice.version.clone());
        // A version that is hidden, or that the index alone calls yanked or taken down, is withheld.
        let Some(entry) = index.get(&version) else {
            return Err(TrustError::IndexWithholds { skill, version }.into());
        };
        let locked = self.options.locked.is_some();
        if !locked && (entry.yanked.is_some() || entry.taken_down.is_some()) {
            return Err(TrustError::IndexWithholds { skill, version }.into());
        }
        Ok(choice)
    }

    fn finish(
        &self,
        index: &Index,
        choice: choose::Choice,
        provenance: Provenance,
        proven: ProvenRelease,
    ) -> Result<Resolved, Error> {
        let (skill, version) = (self.skill.clone(), choice.version);
        let Some(entry) = index.get(&version).cloned() else {
            return Err(TrustError::IndexWithholds { skill, version }.into());
        };
        let found = proven.release.archive;
        if let Some((_, pinned)) = self.options.locked.as_ref().filter(|(_, pinned)| *pinned != found) {
            return Err(TrustError::PinDiffers { skill, version, pinned: *pinned, found }.into());
        }
        if entry.archive != found {
            return Err(TrustError::IndexDiffers { skill, version, what: "archive" }.into());
        }
        if entry.log_index != proven.log_index {
            return Err(TrustError::IndexDiffers { skill, version, what: "place in the log" }.into());
        }
        let told = |(version, against): (Version, Withdrawn)| (version, against.to_string());
        let passed_over = choice.passed_over.into_iter().map(told).collect();
        Ok(Resolved { skill, proven, provenance, entry, passed_over })
    }
}

/// Whether it may be that something changed between two requests, and nobody lied.
fn may_have_changed(error: &Error) -> bool {
    let Error::Trust(error) = error else { return matches!(error, Error::Resolve(_)) };
    match **error {
        TrustError::IndexWithholds { .. } | TrustError::IndexDiffers { .. } => true,
        TrustError::RootRolledBack { seen, served } => served > seen,
        _ => false,
    }
}
