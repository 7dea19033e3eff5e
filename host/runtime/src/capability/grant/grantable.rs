//! Which missing grants a person may be asked for: what their owner denied is not among them.

use openclaw_package::digest::Digest;

use super::{Grants, Missing};
use crate::policy::{NetworkPolicy, Policy, Rule};
use crate::workspace::Workspace;

impl Grants {
    /// Those of the missing requests that their rule would grant. What a deny rule covers would stay denied, and what
    /// this machine lacks would stay missing.
    #[must_use]
    pub fn grantable(&self, workspace: Option<&Workspace>) -> Vec<Missing> {
        let mut missing = self.missing(workspace);
        missing.retain(|missing| {
            let Some(rule) = &missing.rule else { return false };
            let left = self.with(rule).missing(workspace);
            !left.iter().any(|left| left.command == missing.command)
        });
        missing
    }

    /// The same grants and one more rule, a program of which counts as pinned.
    fn with(&self, rule: &Rule) -> Self {
        let (mut allow, mut programs) = (self.allow.clone(), self.process.programs().clone());
        allow.push(rule.clone());
        if let Some(program) = rule.program() {
            programs.entry(program.clone()).or_insert_with(|| Digest::of(b""));
        }
        let (skill, network) = (self.skill.clone(), NetworkPolicy::default());
        let policy = Policy::of_one_skill(skill, allow, self.deny.clone(), programs, network);
        Self::join(&self.skill, &self.requests, &policy)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use openclaw_package::manifest::Manifest;

    use super::*;

    const ASKS: &str = "
[permission.memory]
quota = \"1MiB\"
reason = \"r\"
[[permission.filesystem]]
tree = \"/srv\"
access = \"write\"
reason = \"r\"
[[permission.network]]
url = \"https://a.example/\"
methods = [\"GET\"]
reason = \"r\"
[[permission.process]]
program = \"true\"
args = [[]]
reason = \"r\"
";

    fn grantable(policy: &str) -> Vec<&'static str> {
        let text = format!("[skill]\npublisher = \"acme\"\nname = \"x\"\nversion = \"1.0.0\"\n{ASKS}");
        let manifest = Manifest::parse(&text).unwrap();
        let policy = Policy::parse(&format!("version = 1\n{policy}"), Path::new("policy.toml")).unwrap();
        let grants = Grants::join(manifest.id(), manifest.requests(), &policy);
        let missing = grants.grantable(None);
        missing.iter().filter_map(|missing| missing.rule.as_ref()).map(Rule::permission).collect()
    }

    #[test]
    fn what_nobody_answered_may_be_asked_for() {
        assert_eq!(grantable(""), ["filesystem:write", "network", "process", "memory"]);
        let allowed = "[skill.\"acme/x\"]\nallow = [\"memory\", \"filesystem:write /srv\"]\n";
        assert_eq!(grantable(allowed), ["network", "process"]);
    }

    #[test]
    fn what_the_owner_denied_is_not_asked_for_however_it_was_denied() {
        let own = "[skill.\"acme/x\"]\ndeny = [\"memory\", \"filesystem:write /srv\"]\n";
        assert_eq!(grantable(own), ["network", "process"]);
        assert_eq!(grantable("deny = [\"memory\"]\n"), ["filesystem:write", "network", "process"]);
        let wider = "deny = [\"filesystem:read /\", \"network * https://a.example/\"]\n"
            .replace("read /\"", "read /srv\"");
        assert_eq!(grantable(&wider), ["process", "memory"], "a deny rule for reading covers writing");
    }
}
