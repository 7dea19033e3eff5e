//! The list that agents of other makers read: `/.well-known/agent-skills/index.json`.
//!
//! There a name is one kebab-case label of up to 64 characters, and here it is `publisher/name`. A skill is listed
//! under its own name where no other listed skill has that, or would get it by being joined; else under publisher and
//! name joined by a hyphen, where that is short enough and nobody else's; else under the start of that and eight
//! digits of the digest of its id.

use std::collections::BTreeMap;

use bytes::Bytes;
use openclaw_package::{Digest, SkillId};
use serde::Serialize;

use super::Registry;
use crate::error::{Fault, Result};
use crate::store::read_head;
use crate::store::releases::{self, Listed};

/// The schema of the list.
pub const SCHEMA: &str = "https://schemas.agentskills.io/discovery/0.2.0/schema.json";

/// The longest name in the list.
const MAX_NAME_LEN: usize = 64;

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

/// The list as it is served, and the size of the log that it was made for.
#[derive(Clone)]
pub struct Served {
    /// Nothing that is listed changes without an entry of the log.
    pub log_size: u64,
    /// JSON.
    pub body: Bytes,
}

impl Registry {
    /// The newest version of each public skill. It is made once for each size of the log, by one request at a time.
    ///
    /// # Errors
    ///
    /// A failing database.
    pub async fn discovery(&self) -> Result<Served> {
        let mut kept = self.inner.discovery.lock().await;
        let mut snapshot = self.store().snapshot().await?;
        let log_size = read_head(&mut snapshot).await?.size;
        if let Some(served) = kept.as_ref().filter(|served| served.log_size == log_size) {
            return Ok(served.clone());
        }
        let list = list(&releases::listed(&mut snapshot).await?);
        let body = serde_json::to_vec(&list).map_err(Fault::task)?.into();
        Ok(kept.insert(Served { log_size, body }).clone())
    }
}

fn list(listed: &[Listed]) -> Discovery {
    let names = names(listed.iter().map(|release| &release.skill));
    let entry = |release: &Listed| {
        Some(DiscoveredSkill {
            name: names.get(&release.skill)?.clone(),
            kind: "archive".to_owned(),
            description: release.description.chars().take(MAX_DESCRIPTION_LEN).collect(),
            url: format!("/blobs/sha256/{}", release.archive.hex()),
            digest: release.archive.to_string(),
        })
    };
    let mut skills: Vec<DiscoveredSkill> = listed.iter().filter_map(entry).collect();
    skills.sort_by(|one, next| one.name.cmp(&next.name));
    Discovery { schema: SCHEMA.to_owned(), skills }
}

/// A label for each skill.
fn names<'a>(skills: impl Iterator<Item = &'a SkillId>) -> BTreeMap<SkillId, String> {
    let skills: Vec<&SkillId> = skills.collect();
    // How many skills would like a label, as their own name or joined.
    let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
    for skill in &skills {
        *wanted.entry(skill.name().to_string()).or_default() += 1;
        *wanted.entry(joined(skill)).or_default() += 1;
    }
    let is_free = |label: &String| label.len() <= MAX_NAME_LEN && wanted.get(label) == Some(&1);
    let name = |skill: &SkillId| {
        let own = Some(skill.name().to_string()).filter(is_free);
        own.or_else(|| Some(joined(skill)).filter(is_free)).unwrap_or_else(|| hashed(skill))
    };
    skills.into_iter().map(|skill| (skill.clone(), name(skill))).collect()
}

fn joined(skill: &SkillId) -> String {
    format!("{}-{}", skill.publisher(), skill.name())
}

fn hashed(skill: &SkillId) -> String {
    const DIGITS: usize = 8;
    let start: String = joined(skill).chars().take(MAX_NAME_LEN - DIGITS - 1).collect();
    let hex = Digest::of(skill.as_str().as_bytes()).hex();
    format!("{}-{}", start.trim_end_matches('-'), hex.get(..DIGITS).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_skill_has_a_label_of_its_own() {
        let skills: Vec<SkillId> = [
            "acme/hello",
            "other/hello",
            "acme/only",
            "x/acme-only",
            "y/z",
            "a-b/c",
            "a/b-c",
            "q/c",
            "q/b-c",
        ]
        .map(|id| id.parse().unwrap())
        .into();
        let names = names(skills.iter());
        let of = |id: &str| names.get(&id.parse::<SkillId>().unwrap()).unwrap().as_str();
        assert_eq!(of("acme/hello"), "acme-hello");
        assert_eq!(of("other/hello"), "other-hello");
        assert_eq!(of("acme/only"), "only");
        assert_eq!(of("x/acme-only"), "x-acme-only");
        assert!(of("a-b/c").starts_with("a-b-c-") && of("a/b-c").starts_with("a-b-c-"));
        assert_eq!(of("y/z"), "z");
        assert_eq!(names.values().collect::<BTreeSet<_>>().len(), skills.len());
    }
}
