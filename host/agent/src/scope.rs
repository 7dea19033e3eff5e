//! Some tools, by patterns of their names: what a caller may see and call, and what an owner approves beforehand.

use std::fmt;
use std::str::FromStr;

use openclaw_package::name::{PublisherName, SkillId, ToolId};
use openclaw_runtime::CallError;
use serde::{Deserialize, Serialize};

/// The tools that a caller may see and call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scope(Vec<ToolPattern>);

/// Some tools: `*`, `acme/*`, `acme/git-helper` or `acme/git-helper/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ToolPattern {
    /// All of them.
    All,
    /// Those of a publisher.
    Publisher(PublisherName),
    /// Those of a skill.
    Skill(SkillId),
    /// One.
    Tool(ToolId),
}

/// A text that names no tools.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no tools: write *, acme/*, acme/git-helper or acme/git-helper/status")]
pub struct ToolPatternError(String);

impl Scope {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self(vec![ToolPattern::All])
    }

    /// What any of these patterns covers; nothing, where there are none.
    #[must_use]
    pub fn of(patterns: Vec<ToolPattern>) -> Self {
        Self(patterns)
    }

    /// The patterns.
    #[must_use]
    pub fn patterns(&self) -> &[ToolPattern] {
        &self.0
    }

    /// Whether it covers a tool.
    #[must_use]
    pub fn covers(&self, tool: &ToolId) -> bool {
        self.0.iter().any(|pattern| pattern.covers(tool))
    }

    /// Whether it covers no tool at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What both this one and another cover.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Self {
        let mut met: Vec<ToolPattern> = Vec::new();
        for (one, two) in self.0.iter().flat_map(|one| other.0.iter().map(move |two| (one, two))) {
            // Of two patterns that have a tool in common, one holds the other.
            let narrower = match (two.holds(one), one.holds(two)) {
                (true, _) => one,
                (false, true) => two,
                (false, false) => continue,
            };
            if !met.contains(narrower) {
                met.push(narrower.clone());
            }
        }
        Self(met)
    }

    /// An error that suggests nothing which it does not cover.
    pub fn narrow(&self, mut error: CallError) -> CallError {
        match &mut error {
            CallError::UnknownSkill { nearest, .. } => nearest.retain(|tool| self.covers(tool)),
            CallError::UnknownTool { skill, nearest, .. } => {
                nearest.retain(|tool| self.covers(&skill.tool(tool.clone())));
            }
            _ => {}
        }
        error
    }

    /// Whether it covers a tool of a skill.
    #[must_use]
    pub fn reaches(&self, skill: &SkillId) -> bool {
        self.0.iter().any(|pattern| match pattern {
            ToolPattern::Tool(tool) => tool.skill() == skill,
            pattern => pattern.covers_skill(skill),
        })
    }
}

impl ToolPattern {
    fn covers(&self, tool: &ToolId) -> bool {
        match self {
            Self::Tool(only) => only == tool,
            _ => self.covers_skill(tool.skill()),
        }
    }

    /// Whether it covers all that another one covers.
    fn holds(&self, other: &Self) -> bool {
        match other {
            Self::All => *self == Self::All,
            Self::Publisher(publisher) => match self {
                Self::All => true,
                Self::Publisher(own) => own == publisher,
                Self::Skill(_) | Self::Tool(_) => false,
            },
            Self::Skill(skill) => self.covers_skill(skill),
            Self::Tool(tool) => self.covers(tool),
        }
    }

    fn covers_skill(&self, skill: &SkillId) -> bool {
        match self {
            Self::All => true,
            Self::Publisher(publisher) => skill.publisher() == publisher,
            Self::Skill(only) => only == skill,
            Self::Tool(_) => false,
        }
    }
}

impl FromStr for ToolPattern {
    type Err = ToolPatternError;

    fn from_str(text: &str) -> Result<Self, ToolPatternError> {
        let wrong = || ToolPatternError(text.to_owned());
        if text == "*" {
            return Ok(Self::All);
        }
        if let Some(publisher) = text.strip_suffix("/*") {
            return publisher.parse().map(Self::Publisher).map_err(|_| wrong());
        }
        if let Ok(tool) = text.parse() {
            return Ok(Self::Tool(tool));
        }
        text.parse().map(Self::Skill).map_err(|_| wrong())
    }
}

impl fmt::Display for ToolPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Publisher(publisher) => write!(f, "{publisher}/*"),
            Self::Skill(skill) => skill.fmt(f),
            Self::Tool(tool) => tool.fmt(f),
        }
    }
}

impl TryFrom<String> for ToolPattern {
    type Error = ToolPatternError;

    fn try_from(text: String) -> Result<Self, ToolPatternError> {
        text.parse()
    }
}

impl From<ToolPattern> for String {
    fn from(pattern: ToolPattern) -> Self {
        pattern.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_it_names_and_nothing_beside_it() {
        let tools: Vec<ToolId> = ["acme/git/status", "acme/git/commit", "acme/web/get", "acme-x/git/status"]
            .map(|tool| tool.parse().unwrap())
            .into();
        let covered = |pattern: &str| -> Vec<usize> {
            let scope = Scope::of(vec![pattern.parse().unwrap()]);
            (0..tools.len()).filter(|at| scope.covers(&tools[*at])).collect()
        };
        assert_eq!(covered("*"), [0, 1, 2, 3]);
        assert_eq!(covered("acme/*"), [0, 1, 2]);
        assert_eq!(covered("acme/git"), [0, 1]);
        assert_eq!(covered("acme/git/commit"), [1]);
        assert!(!Scope::default().covers(&tools[0]), "no pattern covers nothing");
        let one = Scope::of(vec!["acme/git/commit".parse().unwrap()]);
        assert!(one.reaches(tools[0].skill()) && !one.reaches(tools[2].skill()));
    }

    #[test]
    fn what_two_scopes_have_in_common_is_what_both_cover() {
        let scope = |patterns: &str| -> Scope {
            Scope::of(patterns.split_whitespace().map(|pattern| pattern.parse().unwrap()).collect())
        };
        for (one, two, both) in [
            ("*", "acme/* web/get", "acme/* web/get"),
            ("acme/git", "acme/*", "acme/git"),
            ("acme/git/status acme/web", "acme/git acme/web/get", "acme/git/status acme/web/get"),
            ("acme/*", "other/*", ""),
            ("acme/git/status", "acme/git/commit", ""),
            ("*", "", ""),
        ] {
            assert_eq!(scope(one).meet(&scope(two)), scope(both), "{one} and {two}");
            assert_eq!(scope(two).meet(&scope(one)), scope(both), "{two} and {one}");
        }
        assert!(scope("").is_empty());
    }

    #[test]
    fn nothing_is_suggested_that_the_scope_does_not_cover() {
        let scope = Scope::of(vec!["acme/git/status".parse().unwrap()]);
        let nearest = ["acme/git/status", "acme/git/commit"].map(|tool| tool.parse().unwrap()).to_vec();
        let error = scope.narrow(CallError::UnknownSkill { skill: "acme/gut".parse().unwrap(), nearest });
        assert_eq!(error.hint().unwrap(), "did you mean acme/git/status?");
        let nearest = ["status", "commit"].map(|tool| tool.parse().unwrap()).to_vec();
        let (skill, tool) = ("acme/git".parse().unwrap(), "stat".parse().unwrap());
        let error = scope.narrow(CallError::UnknownTool { skill, tool, nearest });
        assert_eq!(error.hint().unwrap(), "did you mean status?");
    }

    #[test]
    fn patterns_are_written_as_they_are_read() {
        for text in ["*", "acme/*", "acme/git", "acme/git/status"] {
            assert_eq!(text.parse::<ToolPattern>().unwrap().to_string(), text);
        }
        for text in ["", "acme", "*/git", "acme/g*", "acme/git/*", "ACME/x", "a/b/c/d"] {
            assert!(text.parse::<ToolPattern>().is_err(), "{text}");
        }
    }
}
