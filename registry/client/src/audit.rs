//! What is known today of what was installed yesterday: takedowns, yanks, revoked keys, newer versions.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use jiff::Timestamp;
use openclaw_package::registry::{Releases, Takedowns, Visibility};
use openclaw_package::{Digest, Origin, PublicKey, PublisherName, SkillId};
use semver::{Version, VersionReq};

use crate::client::Client;
use crate::error::Error;
use crate::trust::PublisherHistory;

/// How many histories are fetched at once.
const AT_ONCE: usize = 4;

/// A skill that is installed, as the lockfile has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The skill.
    pub skill: SkillId,
    /// The version.
    pub version: Version,
    /// The digest of the archive.
    pub archive: Digest,
    /// The range that it was installed with, within which it is updated.
    pub range: Option<VersionReq>,
    /// The registry that it came from.
    pub origin: Origin,
}

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Note,
    /// To be looked at.
    Warning,
    /// It must not run.
    Refusal,
}

/// Something to know of an installed skill.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// The operator took it down.
    TakenDown {
        /// Why.
        reason: String,
        /// What there is instead; unknown where the publisher's history is.
        instead: Option<Instead>,
    },
    /// The operator of another registry took these bytes down there.
    TakenDownElsewhere {
        /// Why.
        reason: String,
    },
    /// The publisher yanked it.
    Yanked {
        /// Why.
        reason: String,
        /// What there is instead.
        instead: Instead,
    },
    /// The key that signed it was revoked after it was released.
    SignerRevoked {
        /// The key.
        key: PublicKey,
        /// Why.
        reason: String,
        /// What there is instead.
        instead: Instead,
    },
    /// Its publisher's history does not have this release: the key was revoked before, or it was never released.
    NotReleased,
    /// Its publisher has released the version with other content.
    OtherArchive {
        /// The digest of the archive that was released.
        released: Digest,
    },
    /// There is a newer version.
    Newer {
        /// The version.
        version: Version,
        /// The range that it was installed with, where that leaves it out.
        beyond: Option<VersionReq>,
    },
    /// The publisher's history could not be had, or does not hold.
    Unknown {
        /// The code of the error.
        code: &'static str,
        /// The error in words.
        message: String,
        /// Whether the registry is to blame, rather than the way to it.
        refused: bool,
    },
}

/// What may be installed in place of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Instead {
    /// A newer version, within the range that it was installed with.
    Newer(Version),
    /// A newer version, which that range leaves out.
    Beyond(Version, VersionReq),
    /// Only an older one.
    Older(Version),
    /// No other version.
    Nothing,
}

impl Instead {
    /// The command that installs it; none where there is nothing to install.
    fn command(&self, skill: &SkillId) -> Option<String> {
        Some(match self {
            Self::Newer(_) => format!("openclaw registry update {skill}"),
            Self::Beyond(_, range) => {
                format!("openclaw registry update --latest {skill} (leaves the range {range})")
            }
            Self::Older(version) => format!("openclaw registry install {skill}@={version} --allow-downgrade"),
            Self::Nothing => return None,
        })
    }

    fn hint(&self, skill: &SkillId) -> String {
        self.command(skill).unwrap_or_else(|| "there is no other version yet".to_owned())
    }
}

impl Finding {
    /// The stable code of the finding.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TakenDown { .. } => "taken-down",
            Self::TakenDownElsewhere { .. } => "taken-down-elsewhere",
            Self::Yanked { .. } => "yanked",
            Self::SignerRevoked { .. } => "signer-revoked",
            Self::NotReleased => "not-released",
            Self::OtherArchive { .. } => "other-archive",
            Self::Newer { .. } => "newer-version",
            Self::Unknown { .. } => "history-unknown",
        }
    }

    /// How grave it is.
    pub fn severity(&self) -> Severity {
        match self {
            Self::TakenDown { .. }
            | Self::NotReleased
            | Self::OtherArchive { .. }
            | Self::Unknown { refused: true, .. } => Severity::Refusal,
            Self::TakenDownElsewhere { .. }
            | Self::Yanked { .. }
            | Self::SignerRevoked { .. }
            | Self::Unknown { .. } => Severity::Warning,
            Self::Newer { .. } => Severity::Note,
        }
    }

    /// What to do next.
    pub fn hint(&self, skill: &SkillId) -> Option<String> {
        Some(match self {
            Self::NotReleased | Self::OtherArchive { .. } => format!("openclaw remove {skill}"),
            Self::TakenDown { instead, .. } => {
                let other = instead.as_ref().and_then(|instead| instead.command(skill));
                let other = other.map(|command| format!("; or take another version: {command}"));
                format!("openclaw remove {skill}{}", other.unwrap_or_default())
            }
            Self::TakenDownElsewhere { .. } => {
                format!("read why, and decide: openclaw remove {skill}")
            }
            Self::Newer { version, beyond: Some(range) } => {
                Instead::Beyond(version.clone(), range.clone()).hint(skill)
            }
            Self::Newer { .. } => format!("openclaw registry update {skill}"),
            Self::Yanked { instead, .. } => instead.hint(skill),
            Self::SignerRevoked { instead: instead @ (Instead::Newer(_) | Instead::Beyond(..)), .. } => {
                format!("read why, and update: {}", instead.hint(skill))
            }
            Self::SignerRevoked { .. } => "read why; there is no newer version yet".to_owned(),
            Self::Unknown { .. } => "openclaw registry audit, later".to_owned(),
        })
    }
}

/// What was found of one installed skill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// The skill.
    pub installed: Installed,
    /// What there is to know, the gravest first.
    pub findings: Vec<Finding>,
}

/// What an audit found.
#[derive(Debug)]
pub struct AuditReport {
    /// The skills, in the order in which they were given.
    pub skills: Vec<Audited>,
    /// When the list of takedowns that was used was signed; none where none was ever seen.
    pub list_issued: Option<Timestamp>,
    /// Until when that list counts as fresh.
    pub list_expires: Option<Timestamp>,
    /// Why the registry could not be asked: then the list is the last that was seen.
    pub outage: Option<Error>,
}

impl AuditReport {
    /// The gravest finding.
    pub fn gravest(&self) -> Option<Severity> {
        self.skills.iter().flat_map(|skill| &skill.findings).map(Finding::severity).max()
    }
}

impl Client {
    /// Looks up what is known of installed skills. Those of other registries are held against takedowns of their
    /// bytes only.
    ///
    /// # Errors
    ///
    /// [`TrustError`](crate::TrustError) where root, log or takedowns do not hold; that the registry cannot be reached is no error.
    pub async fn audit(&self, installed: &[Installed]) -> Result<AuditReport, Error> {
        let (list, outage) = match self.refresh().await {
            Ok(fresh) => (Some(fresh.takedowns), None),
            Err(error) if error.is_outage() => (self.basis().await?.takedowns, Some(error)),
            Err(error) => return Err(error),
        };
        let ours = |one: &&Installed| one.origin == *self.registry().origin();
        let publishers: BTreeSet<PublisherName> =
            installed.iter().filter(ours).map(|one| one.skill.publisher().clone()).collect();
        let histories = match outage {
            None => self.histories(publishers).await,
            Some(_) => BTreeMap::new(),
        };
        let skills = installed.iter().map(|one| {
            let mut findings = taken_down(list.as_ref(), one, ours(&one));
            if ours(&one) {
                match histories.get(one.skill.publisher()) {
                    Some(Ok(history)) => {
                        let releases = history.releases(one.skill.name());
                        complete(&mut findings, &releases, list.as_ref(), one);
                        findings.extend(by_history(&releases, list.as_ref(), one));
                    }
                    Some(Err(error)) => findings.push(unknown(error)),
                    None => {}
                }
            }
            findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity()));
            Audited { installed: one.clone(), findings }
        });
        Ok(AuditReport {
            skills: skills.collect(),
            list_issued: list.as_ref().map(|list| list.issued),
            list_expires: list.as_ref().map(|list| list.expires),
            outage,
        })
    }

    async fn histories(
        &self,
        publishers: BTreeSet<PublisherName>,
    ) -> BTreeMap<PublisherName, Result<PublisherHistory, Error>> {
        let fetch = |publisher: PublisherName| async move {
            let history = self.history(&publisher).await;
            (publisher, history)
        };
        futures::stream::iter(publishers).map(fetch).buffer_unordered(AT_ONCE).collect().await
    }
}

fn taken_down(list: Option<&Takedowns>, installed: &Installed, ours: bool) -> Vec<Finding> {
    let Some(list) = list else { return Vec::new() };
    let found = if ours {
        let taken = list.find(&installed.skill, &installed.version, &installed.archive);
        taken.map(|taken| Finding::TakenDown { reason: taken.reason.to_string(), instead: None })
    } else {
        // One registry must not be able to stop what came from another.
        let taken = list.find_archive(&installed.archive);
        taken.map(|taken| Finding::TakenDownElsewhere { reason: taken.reason.to_string() })
    };
    found.into_iter().collect()
}

/// Says of what was taken down what there is instead, which its publisher's history knows.
fn complete(findings: &mut [Finding], releases: &Releases, list: Option<&Takedowns>, installed: &Installed) {
    for finding in findings {
        if let Finding::TakenDown { instead: unknown, .. } = finding {
            let found = releases.get(&installed.version);
            let visibility = found.map_or(Visibility::Public, |found| found.release.visibility);
            *unknown = Some(instead(releases, list, installed, visibility));
        }
    }
}

fn by_history(releases: &Releases, list: Option<&Takedowns>, installed: &Installed) -> Vec<Finding> {
    let Some(found) = releases.get(&installed.version) else { return vec![Finding::NotReleased] };
    let release = &found.release;
    if release.archive != installed.archive {
        return vec![Finding::OtherArchive { released: release.archive }];
    }
    let instead = instead(releases, list, installed, release.visibility);
    let mut findings = Vec::new();
    if let Some(reason) = found.yanked.clone() {
        findings.push(Finding::Yanked { reason, instead: instead.clone() });
    }
    if let Some(reason) = releases.signer_revocation(release) {
        let (key, reason) = (release.signer.clone(), reason.to_owned());
        findings.push(Finding::SignerRevoked { key, reason, instead: instead.clone() });
    }
    findings.extend(match instead {
        Instead::Newer(version) => Some(Finding::Newer { version, beyond: None }),
        Instead::Beyond(version, range) => Some(Finding::Newer { version, beyond: Some(range) }),
        Instead::Older(_) | Instead::Nothing => None,
    });
    findings
}

/// The best other version: what was yanked or taken down is none.
fn instead(
    releases: &Releases,
    list: Option<&Takedowns>,
    installed: &Installed,
    visibility: Visibility,
) -> Instead {
    let Installed { skill, version, range, .. } = installed;
    let offered = releases.iter().filter(|(other, found)| {
        let release = &found.release;
        *other != version
            && (other.pre.is_empty() || !version.pre.is_empty())
            && (release.visibility == Visibility::Public || visibility == Visibility::Private)
            && found.yanked.is_none()
            && list.is_none_or(|list| list.find(skill, other, &release.archive).is_none())
    });
    let highest_first: Vec<&Version> = offered.map(|(other, _)| other).rev().collect();
    let within = |other: &Version| range.as_ref().is_none_or(|range| range.matches(other));
    if let Some(newer) = highest_first.iter().find(|other| **other > version && within(other)) {
        return Instead::Newer((*newer).clone());
    }
    match (highest_first.first().copied().cloned(), range) {
        (Some(newer), Some(range)) if newer > *version => Instead::Beyond(newer, range.clone()),
        (Some(older), _) => Instead::Older(older),
        (None, _) => Instead::Nothing,
    }
}

fn unknown(error: &Error) -> Finding {
    Finding::Unknown { code: error.code(), message: error.to_string(), refused: !error.is_outage() }
}
