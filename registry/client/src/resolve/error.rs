//! Why no version can be chosen.

use std::fmt;

use openclaw_package::SkillId;
use semver::{Comparator, Op, Version, VersionReq};

/// What stands against a version.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Withdrawn {
    /// The operator took it down, for this reason.
    TakenDown(String),
    /// The publisher yanked it, for this reason.
    Yanked(String),
}

impl fmt::Display for Withdrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TakenDown(reason) => write!(f, "taken down: {reason}"),
            Self::Yanked(reason) => write!(f, "yanked: {reason}"),
        }
    }
}

/// Why no version can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The registry has no such skill, or does not show it.
    #[error("the registry has no skill {skill}")]
    NoSkill {
        /// The skill.
        skill: SkillId,
        /// Whether a token was sent, which would have shown a private one.
        has_token: bool,
    },
    /// No version is in the range.
    #[error("{skill} has no version {range}")]
    NoVersion {
        /// The skill.
        skill: SkillId,
        /// The range.
        range: VersionReq,
        /// The nearest versions that there are.
        nearest: Vec<Version>,
    },
    /// Versions are in the range, but none may be chosen.
    #[error("{}: {}", none_left(skill, range), list(passed_over))]
    NoneLeft {
        /// The skill.
        skill: SkillId,
        /// The range.
        range: VersionReq,
        /// The versions, each with what stands against it.
        passed_over: Vec<(Version, Withdrawn)>,
    },
    /// The version that is pinned was taken down.
    #[error("{skill} {version} was taken down: {reason}")]
    TakenDown {
        /// The skill.
        skill: SkillId,
        /// The version.
        version: Version,
        /// Why.
        reason: String,
    },
    /// The best version is older than the installed one.
    #[error("the best version of {skill} is {found}, older than {installed}, which is installed")]
    Downgrade {
        /// The skill.
        skill: SkillId,
        /// What is installed.
        installed: Version,
        /// What was found.
        found: Version,
    },
}

fn none_left(skill: &SkillId, range: &VersionReq) -> String {
    match *range == VersionReq::STAR {
        true => format!("every version of {skill} was withdrawn"),
        false => format!("no version of {skill} in {range} may be chosen"),
    }
}

fn list(versions: &[(Version, Withdrawn)]) -> String {
    let shown: Vec<String> =
        versions.iter().take(5).map(|(version, against)| format!("{version} ({against})")).collect();
    shown.join(", ")
}

impl ResolveError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSkill { .. } => "unknown-skill",
            Self::NoVersion { .. } => "no-matching-version",
            Self::NoneLeft { passed_over, .. } => {
                let all_down =
                    passed_over.iter().all(|(_, against)| matches!(against, Withdrawn::TakenDown(_)));
                if all_down { "taken-down" } else { "yanked" }
            }
            Self::TakenDown { .. } => "taken-down",
            Self::Downgrade { .. } => "downgrade",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoSkill { skill, has_token } => {
                let private = "; a private one needs a token: openclaw registry login --token T";
                format!("openclaw registry search {}{}", skill.name(), if *has_token { "" } else { private })
            }
            Self::NoVersion { nearest, .. } if nearest.is_empty() => return None,
            Self::NoVersion { skill, range, nearest } => {
                let list: Vec<String> = nearest.iter().map(Version::to_string).collect();
                let first = list.first().cloned().unwrap_or_default();
                let list = list.join(", ");
                if nearest.iter().all(|version| !version.pre.is_empty()) {
                    return Some(format!(
                        "there are only pre-releases, {list}: add --pre-releases, or name one: openclaw registry \
                         install {skill}@={first}"
                    ));
                }
                format!("there are {list}: openclaw registry install {skill}@={first}{}", exactly(range))
            }
            Self::NoneLeft { range, passed_over, .. } if *range == VersionReq::STAR => {
                let reasons = if self.code() == "taken-down" { "taken down" } else { "withdrawn" };
                format!("all {} versions were {reasons}; there is nothing to install", passed_over.len())
            }
            Self::NoneLeft { skill, .. } => format!("openclaw registry info {skill} lists all versions"),
            Self::TakenDown { skill, .. } => {
                format!("remove it: openclaw remove {skill}")
            }
            Self::Downgrade { skill, found, .. } => {
                format!(
                    "openclaw registry install {skill}@={found} --allow-downgrade, if that is what you want"
                )
            }
        })
    }
}

/// What a bare version means, where one was written: `^0.1.0` and `0.1.0` are the same range.
fn exactly(range: &VersionReq) -> String {
    match range.comparators.as_slice() {
        [Comparator { op: Op::Caret, major, minor: Some(minor), patch: Some(patch), pre }] => {
            let dash = if pre.is_empty() { "" } else { "-" };
            let version = format!("{major}.{minor}.{patch}{dash}{pre}");
            format!(" (@{version} means ^{version}; exactly that one is @={version})")
        }
        _ => String::new(),
    }
}
