//! Why no version can be chosen.

use openclaw_package::SkillId;
use semver::{Version, VersionReq};

/// Why no version can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The registry has no such skill, or does not show it.
    #[error("the registry has no skill {skill}")]
    NoSkill {
        /// The skill.
        skill: SkillId,
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
    #[error("no version of {skill} in {range} may be chosen: {}", list(passed_over))]
    NoneLeft {
        /// The skill.
        skill: SkillId,
        /// The range.
        range: VersionReq,
        /// The versions, each with the reason.
        passed_over: Vec<(Version, String)>,
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

fn list(versions: &[(Version, String)]) -> String {
    let shown: Vec<String> =
        versions.iter().take(5).map(|(version, reason)| format!("{version} ({reason})")).collect();
    shown.join(", ")
}

impl ResolveError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSkill { .. } => "unknown-skill",
            Self::NoVersion { .. } => "no-matching-version",
            Self::NoneLeft { passed_over, .. } => {
                let all_down = passed_over.iter().all(|(_, reason)| reason.starts_with("taken down"));
                if all_down { "taken-down" } else { "yanked" }
            }
            Self::TakenDown { .. } => "taken-down",
            Self::Downgrade { .. } => "downgrade",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoSkill { skill } => format!("openclaw registry search {}", skill.name()),
            Self::NoVersion { nearest, .. } if nearest.is_empty() => return None,
            Self::NoVersion { skill, nearest, .. } => {
                let list: Vec<String> = nearest.iter().map(Version::to_string).collect();
                let first = list.first().cloned().unwrap_or_default();
                format!("there are {}: openclaw registry install {skill}@={first}", list.join(", "))
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
