//! The highest version that matches and may be chosen.

use openclaw_package::SkillId;
use semver::{BuildMetadata, Prerelease, Version, VersionReq};

use super::{ResolveError, ResolveOptions, Withdrawn};

/// How many versions an error lists.
const LISTED: usize = 5;

/// A version, and what stands against it.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) version: Version,
    pub(super) yanked: Option<String>,
    pub(super) taken_down: Option<String>,
}

/// The version that was chosen, and higher ones that were not.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) version: Version,
    pub(super) passed_over: Vec<(Version, Withdrawn)>,
}

pub(super) fn choose(
    skill: &SkillId,
    range: &VersionReq,
    options: &ResolveOptions,
    candidates: &[Candidate],
) -> Result<Choice, ResolveError> {
    if let Some((version, _)) = &options.locked {
        return locked(skill, version, candidates);
    }
    let mut matching: Vec<&Candidate> =
        candidates.iter().filter(|one| matches(range, &one.version, options.pre_releases)).collect();
    matching.sort_by(|one, next| next.version.cmp(&one.version));
    let mut passed_over = Vec::new();
    for candidate in matching {
        let against = match (&candidate.taken_down, &candidate.yanked) {
            (Some(reason), _) => Withdrawn::TakenDown(reason.clone()),
            (None, Some(reason)) => Withdrawn::Yanked(reason.clone()),
            (None, None) => {
                return not_older(skill, options, candidate.version.clone(), passed_over);
            }
        };
        passed_over.push((candidate.version.clone(), against));
    }
    if passed_over.is_empty() {
        let nearest = nearest(range, options, candidates);
        return Err(ResolveError::NoVersion { skill: skill.clone(), range: range.clone(), nearest });
    }
    Err(ResolveError::NoneLeft { skill: skill.clone(), range: range.clone(), passed_over })
}

fn locked(skill: &SkillId, version: &Version, candidates: &[Candidate]) -> Result<Choice, ResolveError> {
    let found = candidates.iter().find(|one| one.version == *version);
    let (skill, version) = (skill.clone(), version.clone());
    match found {
        None => {
            let nearest = newest(candidates.iter().map(|one| &one.version));
            let range = VersionReq { comparators: vec![exactly(&version)] };
            Err(ResolveError::NoVersion { skill, range, nearest })
        }
        Some(Candidate { taken_down: Some(reason), .. }) => {
            Err(ResolveError::TakenDown { skill, version, reason: reason.clone() })
        }
        Some(_) => Ok(Choice { version, passed_over: Vec::new() }),
    }
}

fn not_older(
    skill: &SkillId,
    options: &ResolveOptions,
    version: Version,
    passed_over: Vec<(Version, Withdrawn)>,
) -> Result<Choice, ResolveError> {
    match &options.installed {
        Some(installed) if version < *installed && !options.downgrade => Err(ResolveError::Downgrade {
            skill: skill.clone(),
            installed: installed.clone(),
            found: version,
        }),
        _ => Ok(Choice { version, passed_over }),
    }
}

/// Whether a version is in a range. Where pre-releases are asked for, one counts as its release would.
fn matches(range: &VersionReq, version: &Version, pre_releases: bool) -> bool {
    if range.matches(version) {
        return true;
    }
    let released = Version { pre: Prerelease::EMPTY, build: BuildMetadata::EMPTY, ..version.clone() };
    pre_releases && !version.pre.is_empty() && range.matches(&released)
}

/// The highest versions, and first those that only wait to be asked for as pre-releases.
fn nearest(range: &VersionReq, options: &ResolveOptions, candidates: &[Candidate]) -> Vec<Version> {
    let all = || candidates.iter().map(|one| &one.version);
    let waiting = newest(all().filter(|version| matches(range, version, true)));
    if !options.pre_releases && !waiting.is_empty() { waiting } else { newest(all()) }
}

fn newest<'a>(versions: impl Iterator<Item = &'a Version>) -> Vec<Version> {
    let mut versions: Vec<Version> = versions.cloned().collect();
    versions.sort_by(|one, next| next.cmp(one));
    versions.truncate(LISTED);
    versions
}

fn exactly(version: &Version) -> semver::Comparator {
    semver::Comparator {
        op: semver::Op::Exact,
        major: version.major,
        minor: Some(version.minor),
        patch: Some(version.patch),
        pre: version.pre.clone(),
    }
}
