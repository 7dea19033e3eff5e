//! Names of tools as models and MCP clients take them: at most 64 characters, one for each tool and never the same for two.

use openclaw_package::name::ToolId;
use sha2::{Digest as _, Sha256};

/// The longest name that common clients and providers accept, in bytes.
const MAX_LEN: usize = 64;
/// Hexadecimal digits of the hash in a shortened name: 96 bits.
const HASH_LEN: usize = 24;

/// `publisher__skill__tool`. One that is too long is shortened and ends in a hash of the whole; it has no `__`, which
/// every other name has, so that no tool can be named like the shortened name of another.
#[must_use]
pub fn flat(tool: &ToolId) -> String {
    let (skill, tool) = (tool.skill(), tool.tool());
    let whole = format!("{}__{}__{tool}", skill.publisher(), skill.name());
    if whole.len() <= MAX_LEN {
        return whole;
    }
    let begin: String = whole.replace("__", "_").chars().take(MAX_LEN - HASH_LEN - 1).collect();
    let hash = Sha256::digest(whole.as_bytes());
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).take(HASH_LEN / 2).collect();
    format!("{}_{hex}", begin.trim_end_matches(['_', '-']))
}

/// The tool of a name that was not shortened; none for any other text.
#[must_use]
pub fn parse(name: &str) -> Option<ToolId> {
    if name.len() > MAX_LEN {
        return None;
    }
    let mut parts = name.split("__");
    let (publisher, skill, tool) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    format!("{publisher}/{skill}/{tool}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str) -> ToolId {
        name.parse().unwrap()
    }

    #[test]
    fn a_short_name_is_flattened_and_read_back() {
        assert_eq!(flat(&tool("acme/git-helper/smart-commit")), "acme__git-helper__smart-commit");
        assert_eq!(parse("acme__git-helper__smart-commit"), Some(tool("acme/git-helper/smart-commit")));
        for name in
            ["", "acme", "acme__x", "acme__x__y__z", "acme/x/y", "ACME__x__y", "acme__x__", "a__../x__y"]
        {
            assert_eq!(parse(name), None, "{name}");
        }
    }

    #[test]
    fn a_long_name_is_shortened_always_alike_and_is_no_other_tools() {
        let long = |end: &str| format!("acme/{}/{}{end}", "s".repeat(50), "t".repeat(40));
        let names: Vec<String> = ["a", "b", "c"].iter().map(|end| flat(&tool(&long(end)))).collect();
        assert_eq!(names[0], flat(&tool(&long("a"))));
        for name in &names {
            assert!(name.len() <= MAX_LEN && !name.contains("__"), "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'));
            assert_eq!(parse(name), None, "{name}");
        }
        assert!(names[0] != names[1] && names[1] != names[2]);
    }

    #[test]
    fn names_of_the_longest_parts_and_of_the_border_are_valid() {
        let label = "x".repeat(64);
        assert!(flat(&tool(&format!("{label}/{label}/{label}"))).len() <= MAX_LEN);
        let at_the_border = tool(&format!("{}/{}/{}", "a".repeat(20), "b".repeat(20), "c".repeat(20)));
        assert_eq!(flat(&at_the_border).len(), 64);
        assert_eq!(parse(&flat(&at_the_border)), Some(at_the_border));
    }
}
