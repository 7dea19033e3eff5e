//! Which calls wait for a person's yes.
//!
//! | level | a call that can change something or reach beyond this machine |
//! |---|---|
//! | strict | is put to the person each time, unless they said yes for the session |
//! | moderate | is put to the person once for each tool and session |
//! | permissive | is made |
//!
//! Calls that can do neither are made. What the owner's configuration approves is not asked. Where nobody can be asked, a call
//! that waits for a yes is not made. None of this grants anything: what a call may do is decided in the sandbox.

use std::collections::HashSet;

use openclaw_runtime::consent::SecurityLevel;

use crate::human::Approval;
use crate::scope::Scope;
use crate::session::Approved;
use crate::toolbox::Tool;

/// The owner's rule for an agent's calls.
#[derive(Clone, Debug, Default)]
pub struct Approvals {
    /// The level.
    pub level: SecurityLevel,
    /// Tools whose calls are approved once and for all.
    pub standing: Scope,
}

impl Approvals {
    /// Whether a call of a tool waits for a yes.
    pub(crate) fn needs_yes(&self, tool: &Tool, approved: &HashSet<Approved>) -> bool {
        (tool.effects.writes || tool.effects.reaches)
            && self.level != SecurityLevel::Permissive
            && !self.standing.covers(&tool.id)
            && !approved.contains(&of(tool))
    }

    /// Whether a yes holds for the tool's further calls in the session.
    pub(crate) fn lasts(&self, approval: Approval) -> bool {
        approval == Approval::Session || (approval == Approval::Once && self.level == SecurityLevel::Moderate)
    }
}

/// What is remembered of a yes to a tool.
pub(crate) fn of(tool: &Tool) -> Approved {
    Approved { tool: tool.id.clone(), package: tool.package.clone() }
}

#[cfg(test)]
mod tests {
    use openclaw_runtime::capability::grant::Effects;
    use serde_json::Value;

    use super::*;

    fn tool(writes: bool, reaches: bool) -> Tool {
        Tool {
            id: "acme/git/commit".parse().unwrap(),
            package: "sha256:1".into(),
            description: String::new(),
            schema: Value::Null,
            effects: Effects { writes, reaches },
        }
    }

    fn approvals(level: SecurityLevel, standing: &[&str]) -> Approvals {
        let patterns = standing.iter().map(|pattern| pattern.parse().unwrap()).collect();
        Approvals { level, standing: Scope::of(patterns) }
    }

    #[test]
    fn what_can_change_or_reach_something_waits_for_a_yes_below_permissive() {
        let none = HashSet::new();
        for level in [SecurityLevel::Strict, SecurityLevel::Moderate, SecurityLevel::Permissive] {
            let approvals = approvals(level, &[]);
            assert!(!approvals.needs_yes(&tool(false, false), &none));
            let asks = level != SecurityLevel::Permissive;
            assert_eq!(approvals.needs_yes(&tool(true, false), &none), asks);
            assert_eq!(approvals.needs_yes(&tool(false, true), &none), asks);
        }
    }

    #[test]
    fn a_yes_is_for_one_package_of_a_tool() {
        let approvals = approvals(SecurityLevel::Moderate, &[]);
        let approved = HashSet::from([of(&tool(true, true))]);
        assert!(!approvals.needs_yes(&tool(true, true), &approved));
        let other = Tool { package: "sha256:2".into(), ..tool(true, true) };
        assert!(approvals.needs_yes(&other, &approved));
    }

    #[test]
    fn one_yes_lasts_for_the_session_where_the_level_is_moderate_or_the_person_says_so() {
        let (strict, moderate) =
            (approvals(SecurityLevel::Strict, &[]), approvals(SecurityLevel::Moderate, &[]));
        assert!(!strict.lasts(Approval::Once) && strict.lasts(Approval::Session));
        assert!(moderate.lasts(Approval::Once) && !moderate.lasts(Approval::Denied));
    }

    #[test]
    fn the_owner_approves_by_patterns_that_cover_what_they_name() {
        let none = HashSet::new();
        for (pattern, covered) in [("*", true), ("acme/git/commit", true), ("acme/git/status", false)] {
            let approvals = approvals(SecurityLevel::Strict, &[pattern]);
            assert_eq!(approvals.needs_yes(&tool(true, true), &none), !covered, "{pattern}");
        }
    }
}
