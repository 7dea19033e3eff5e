//! Where a registry has its documents. Every part of a path is a checked name, a number or a digest.

use openclaw_package::{Digest, PublisherName, SkillId};
use semver::Version;
use url::form_urlencoded::Serializer;

pub(crate) const ROOT: &str = "/root.json";
pub(crate) const CHECKPOINT: &str = "/checkpoint";
pub(crate) const TAKEDOWNS: &str = "/takedowns.json";
pub(crate) const CATEGORIES: &str = "/api/v1/categories";
pub(crate) const WHOAMI: &str = "/api/v1/whoami";

pub(crate) fn root(version: u64) -> String {
    format!("/root/{version}.json")
}

pub(crate) fn index(skill: &SkillId) -> String {
    format!("/index/{skill}")
}

pub(crate) fn blob(digest: &Digest) -> String {
    format!("/blobs/sha256/{}", digest.hex())
}

pub(crate) fn skill(skill: &SkillId) -> String {
    format!("/api/v1/skills/{skill}")
}

pub(crate) fn version(skill: &SkillId, version: &Version) -> String {
    format!("/api/v1/skills/{skill}/{version}")
}

pub(crate) fn provenance(skill: &SkillId, version: &Version) -> String {
    format!("/api/v1/skills/{skill}/{version}/provenance")
}

pub(crate) fn publisher(publisher: &PublisherName) -> String {
    format!("/api/v1/publishers/{publisher}")
}

/// The history from its event number `after` on, counted from 0: all but the first `after` events.
pub(crate) fn history(publisher: &PublisherName, after: u64) -> String {
    format!("/api/v1/publishers/{publisher}/history?after={after}")
}

pub(crate) fn events(publisher: &PublisherName) -> String {
    format!("/api/v1/publishers/{publisher}/events")
}

pub(crate) fn proof(index: u64) -> String {
    format!("/api/v1/log/proof/{index}")
}

pub(crate) fn consistency(from: u64, to: u64) -> String {
    format!("/api/v1/log/consistency?from={from}&to={to}")
}

pub(crate) fn search(words: &str, category: Option<&str>, offset: u64, limit: u32) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("q", words);
    if let Some(category) = category {
        query.append_pair("category", category);
    }
    query.append_pair("offset", &offset.to_string()).append_pair("limit", &limit.to_string());
    format!("/api/v1/search?{}", query.finish())
}
