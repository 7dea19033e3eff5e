//! The list that agents of other makers read: `/.well-known/agent-skills/index.json`.
//!
//! There a name is one kebab-case label, and here it is `publisher/name`. The name of a skill is its own where no other
//! listed skill has it, and otherwise publisher and name joined by a hyphen. That is not ambiguous: `a-b/c` and
//! `a/b-c` differ by separators only, and such names cannot both be registered. Where a joined name is another
//! skill's own one, that skill is listed joined as well.

use std::collections::{BTreeMap, BTreeSet};

use openclaw_package::SkillId;
use serde::Serialize;

use super::Registry;
use crate::error::Result;
use crate::store::releases;

/// The schema of the list.
pub const SCHEMA: &str = "https://schemas.agentskills.io/discovery/0.2.0/schema.json";

/// The longest description in the list, in characters.
const MAX_DESCRIPTION_LEN: usize = 1024;

/// The list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Discovery {
    /// Which schema it follows.
    #[serde(rename = "$schema")]
    pub schema: String,
    /// The skills, by name.
    pub skills: Vec<DiscoveredSkill>,
}

/// A skill in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DiscoveredSkill {
    /// A kebab-case label that no other skill of the list has.
    pub name: String,
    /// `archive`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it says of itself.
    pub description: String,
    /// Where its archive is, from the root of this server.
    pub url: String,
    /// The digest of the archive.
    pub digest: String,
}

impl Registry {
    /// The newest version of each public skill.
    ///
    /// # Errors
    ///
    /// A failing database.
    pub async fn discovery(&self) -> Result<Discovery> {
        let listed = releases::listed(&mut *self.store().read().await?).await?;
        let names = names(listed.iter().map(|release| &release.skill));
        let mut skills: Vec<DiscoveredSkill> = listed
            .iter()
            .filter_map(|release| {
                Some(DiscoveredSkill {
                    name: names.get(&release.skill)?.clone(),
                    kind: "archive".to_owned(),
                    description: release.description.chars().take(MAX_DESCRIPTION_LEN).collect(),
                    url: format!("/blobs/sha256/{}", release.archive.hex()),
                    digest: release.archive.to_string(),
                })
            })
            .collect();
        skills.sort_by(|one, next| one.name.cmp(&next.name));
        Ok(Discovery { schema: SCHEMA.to_owned(), skills })
    }
}

/// A label for each skill.
fn names<'a>(skills: impl Iterator<Item = &'a SkillId>) -> BTreeMap<SkillId, String> {
    let skills: Vec<&SkillId> = skills.collect();
    let joined = |skill: &SkillId| format!("{}-{}", skill.publisher(), skill.name());
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for skill in &skills {
        *count.entry(skill.name().as_str()).or_default() += 1;
    }
    let taken: BTreeSet<String> = skills.iter().map(|skill| joined(skill)).collect();
    let name = |skill: &SkillId| {
        let own = skill.name().as_str();
        if count.get(own) == Some(&1) && !taken.contains(own) { own.to_owned() } else { joined(skill) }
    };
    skills.into_iter().map(|skill| (skill.clone(), name(skill))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_skill_has_a_label_of_its_own() {
        let skills: Vec<SkillId> =
            ["acme/hello", "other/hello", "acme/only", "x/acme-only", "y/z"].map(|id| id.parse().unwrap()).into();
        let names = names(skills.iter());
        let of = |id: &str| names.get(&id.parse::<SkillId>().unwrap()).unwrap().as_str();
        assert_eq!(of("acme/hello"), "acme-hello");
        assert_eq!(of("other/hello"), "other-hello");
        assert_eq!(of("acme/only"), "only");
        assert_eq!(of("x/acme-only"), "x-acme-only");
        assert_eq!(of("y/z"), "z");
        assert_eq!(names.values().collect::<BTreeSet<_>>().len(), skills.len());
    }
}
