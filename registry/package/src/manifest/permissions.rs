//! `[permission]`: what the skill asks for.

use std::collections::BTreeSet;

use toml::de::DeValue;

use super::error::{Issue, ManifestErrorKind};
use super::process;
use super::section::{Section, did_you_mean, text_of, wrong_type};
use crate::permission::{
    FilesystemRequest, LlmRequest, MemoryRequest, Method, MethodSet, NetworkRequest, PermissionError,
    Requests,
};

const KINDS: [&str; 5] = ["filesystem", "network", "process", "memory", "llm"];
const LATER: [&str; 3] = ["secret", "secrets", "ask"];

/// The most entries of one kind.
const MAX_ENTRIES: usize = 64;

pub(super) fn read(section: &Section<'_>) -> Result<Requests, Issue> {
    section.refuse_unsupported(&LATER)?;
    if let Some((kind, span)) = section.unknown(&KINDS) {
        let hint = did_you_mean(&kind, &KINDS);
        return Err(Issue::new(ManifestErrorKind::UnknownPermission(kind), span).hint(hint));
    }
    Ok(Requests {
        filesystem: read_filesystem(section)?,
        network: read_network(section)?,
        process: process::read(entries(section, "process")?)?,
        memory: section.section("memory")?.map(|memory| read_memory(&memory)).transpose()?,
        llm: section.section("llm")?.map(|llm| read_llm(&llm)).transpose()?,
    })
}

fn read_filesystem(section: &Section<'_>) -> Result<Vec<FilesystemRequest>, Issue> {
    let mut seen = BTreeSet::new();
    let read = |entry: Section<'_>| {
        entry.only(&["tree", "access", "reason"])?;
        let request = FilesystemRequest {
            tree: entry.parsed("tree")?,
            access: entry.parsed("access")?,
            reason: entry.parsed("reason")?,
        };
        if seen.insert(request.tree.clone()) {
            return Ok(request);
        }
        Err(duplicate(&entry, "tree", request.tree.to_string()))
    };
    entries(section, "filesystem")?.into_iter().map(read).collect()
}

fn read_network(section: &Section<'_>) -> Result<Vec<NetworkRequest>, Issue> {
    let mut seen = BTreeSet::new();
    let read = |entry: Section<'_>| {
        entry.only(&["url", "methods", "internal", "reason"])?;
        let (url, methods) = (entry.parsed("url")?, read_methods(&entry)?);
        let request = NetworkRequest::new(url, methods, entry.flag("internal")?, entry.parsed("reason")?)
            .map_err(|error| {
                let key = if entry.value("internal").is_some() { "internal" } else { "url" };
                Issue::new(error, entry.value(key).map_or(0..0, toml::Spanned::span))
            })?;
        if seen.insert(request.url.clone()) {
            return Ok(request);
        }
        Err(duplicate(&entry, "url", request.url.to_string()))
    };
    entries(section, "network")?.into_iter().map(read).collect()
}

fn read_methods(entry: &Section<'_>) -> Result<MethodSet, Issue> {
    let value = entry.required("methods")?;
    let DeValue::Array(items) = value.get_ref() else {
        return Err(wrong_type("methods", value, "a list such as [\"GET\"]"));
    };
    let method = |item| {
        let text = text_of("methods", item)?;
        text.get_ref().parse().map_err(|error: PermissionError| Issue::new(error, text.span()))
    };
    let methods: Vec<Method> = items.iter().map(method).collect::<Result<_, _>>()?;
    MethodSet::new(methods).map_err(|error| Issue::new(error, value.span()))
}

fn read_memory(memory: &Section<'_>) -> Result<MemoryRequest, Issue> {
    memory.only(&["quota", "reason"])?;
    let quota = memory.size("quota")?;
    let span = quota.as_ref().map_or(0..0, toml::Spanned::span);
    let quota = quota.map(toml::Spanned::into_inner);
    MemoryRequest::new(quota, memory.parsed("reason")?).map_err(|error| Issue::new(error, span))
}

fn read_llm(llm: &Section<'_>) -> Result<LlmRequest, Issue> {
    llm.only(&["tokens", "reason"])?;
    let span = llm.value("tokens").map_or(0..0, toml::Spanned::span);
    LlmRequest::new(llm.count("tokens")?, llm.parsed("reason")?).map_err(|error| Issue::new(error, span))
}

fn entries<'a>(section: &Section<'a>, kind: &str) -> Result<Vec<Section<'a>>, Issue> {
    let entries = section.sections(kind)?;
    if entries.len() > MAX_ENTRIES {
        let problem = format!("{} entries, more than {MAX_ENTRIES}", entries.len());
        let span = section.key_span(kind).unwrap_or(0..0);
        return Err(Issue::new(ManifestErrorKind::invalid(kind, problem), span).hint("ask for less"));
    }
    Ok(entries)
}

fn duplicate(entry: &Section<'_>, key: &str, value: String) -> Issue {
    let span = entry.value(key).map_or(0..0, toml::Spanned::span);
    Issue::new(ManifestErrorKind::Duplicate(value), span)
}
