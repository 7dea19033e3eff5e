//! What calls of a skill can do to the world, at most: what a caller may be told before the first one.

use openclaw_package::permission::{Access, Method, MethodSet};

use super::Grants;
use crate::capability::network::MethodRule;
use crate::policy::Rule;

/// What calls of a skill can do, at most. Never less than they can: a program counts as able to do both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Whether something may be different after a call, here or elsewhere.
    pub writes: bool,
    /// Whether it may deal with what lies outside this machine.
    pub reaches: bool,
}

impl Grants {
    /// What calls can do under the owner's rules as they are.
    #[must_use]
    pub fn effects(&self) -> Effects {
        let asked = self.requested_effects();
        let network = |methods: &MethodRule| match methods {
            MethodRule::Any => true,
            MethodRule::Only(methods) => changes(methods),
        };
        let effects = self.allow.iter().map(|rule| match rule {
            Rule::Filesystem(rule) => Effects { writes: rule.access == Access::Write, reaches: false },
            Rule::Network(rule) => Effects { writes: network(&rule.methods), reaches: true },
            Rule::Process(_) => Effects { writes: true, reaches: true },
            Rule::Memory => Effects { writes: true, reaches: false },
            Rule::Llm => Effects { writes: false, reaches: true },
            // What it tells goes to the person who called, and what they answer changes nothing by itself.
            Rule::Ask => Effects::default(),
            // It is put into a request that a rule for the network lets go.
            Rule::Secret(_) => Effects::default(),
        });
        let allowed = effects.fold(Effects::default(), Effects::or);
        Effects { writes: allowed.writes && asked.writes, reaches: allowed.reaches && asked.reaches }
    }

    /// What calls could do if all was granted that the manifest asks for.
    #[must_use]
    pub fn requested_effects(&self) -> Effects {
        let requests = &self.requests;
        let runs = !requests.process.is_empty();
        let sends = requests.network.iter().any(|request| changes(&request.methods));
        let writes = requests.filesystem.iter().any(|request| request.access == Access::Write);
        Effects {
            writes: runs || sends || writes || requests.memory.is_some(),
            reaches: runs || !requests.network.is_empty() || requests.llm.is_some(),
        }
    }
}

impl Effects {
    fn or(self, other: Self) -> Self {
        Self { writes: self.writes || other.writes, reaches: self.reaches || other.reaches }
    }
}

/// Whether one of the methods is more than a look (RFC 9110, section 9.2.1).
fn changes(methods: &MethodSet) -> bool {
    methods.iter().any(|method| !matches!(method, Method::Get | Method::Head))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use openclaw_package::manifest::Manifest;

    use super::*;
    use crate::policy::Policy;

    /// What a skill with these permissions can do: under these rules, and if all was granted.
    fn effects(permissions: &str, allow: &[&str]) -> (Effects, Effects) {
        let manifest = Manifest::parse(&format!(
            "[skill]\npublisher = \"acme\"\nname = \"x\"\nversion = \"1.0.0\"\n{permissions}"
        ))
        .unwrap();
        let text = format!("version = 1\n[skill.\"acme/x\"]\nallow = {allow:?}\n");
        let policy = Policy::parse(&text, Path::new("policy.toml")).unwrap();
        let grants = Grants::join(manifest.id(), manifest.requests(), &policy);
        (grants.effects(), grants.requested_effects())
    }

    const NONE: Effects = Effects { writes: false, reaches: false };

    #[test]
    fn a_skill_that_asks_for_nothing_can_do_nothing() {
        assert_eq!(effects("", &[]), (NONE, NONE));
        assert_eq!(effects("", &["memory", "network * https://a.example/"]), (NONE, NONE), "not requested");
    }

    #[test]
    fn reading_and_looking_writes_nothing_and_a_request_alone_grants_nothing() {
        let tree = "[[permission.filesystem]]\ntree = \"/srv\"\naccess = \"write\"\nreason = \"r\"\n";
        let writes = Effects { writes: true, reaches: false };
        assert_eq!(effects(tree, &[]), (NONE, writes));
        assert_eq!(effects(tree, &["filesystem:read /srv"]), (NONE, writes));
        assert_eq!(effects(tree, &["filesystem:write /srv"]), (writes, writes));
        let get = "[[permission.network]]\nurl = \"https://a.example/\"\nmethods = [\"GET\", \"HEAD\"]\nreason = \"r\"\n";
        let reaches = Effects { writes: false, reaches: true };
        assert_eq!(effects(get, &["network GET https://a.example/"]), (reaches, reaches));
        assert_eq!(
            effects(get, &["network * https://a.example/"]),
            (reaches, reaches),
            "only GET is asked for"
        );
        let post = get.replace("\"HEAD\"", "\"POST\"");
        assert_eq!(effects(&post, &["network GET https://a.example/"]).0, reaches);
        assert!(effects(&post, &["network POST https://a.example/"]).0.writes);
    }

    #[test]
    fn a_memory_is_written_and_stays_here() {
        let memory = "[permission.memory]\nreason = \"r\"\n";
        assert_eq!(effects(memory, &["memory"]).0, Effects { writes: true, reaches: false });
    }
}
