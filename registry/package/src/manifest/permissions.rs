//! `[permission]`: what the skill asks for.

use std::collections::BTreeSet;

use toml::de::DeValue;

use super::error::{Issue, ManifestErrorKind};
use super::process;
use super::section::{Section, did_you_mean, text_of, wrong_type};
use crate::permission::{
    AskRequest, FilesystemRequest, LlmRequest, MemoryRequest, Method, MethodSet, NetworkRequest,
    PermissionError, Requests, SecretHost, SecretRequest, place,
};

const KINDS: [&str; 7] = ["filesystem", "network", "process", "memory", "llm", "ask", "secret"];

/// The most entries of one kind.
const MAX_ENTRIES: usize = 64;

/// The most entries for secrets: each value is looked for in all that comes back.
const MAX_SECRETS: usize = 16;

pub(super) fn read(section: &Section<'_>) -> Result<Requests, Issue> {
    if let Some((kind, span)) = section.unknown(&KINDS) {
        let hint = did_you_mean(&kind, &KINDS);
        return Err(Issue::new(ManifestErrorKind::UnknownPermission(kind), span).hint(hint));
    }
    let network = read_network(section)?;
    let secret = read_secrets(section, &network)?;
    Ok(Requests {
        filesystem: read_filesystem(section)?,
        network,
        process: process::read(entries(section, "process")?)?,
        memory: section.section("memory")?.map(|memory| read_memory(&memory)).transpose()?,
        llm: section.section("llm")?.map(|llm| read_llm(&llm)).transpose()?,
        ask: section.section("ask")?.map(|ask| read_ask(&ask)).transpose()?,
        secret,
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

fn read_ask(ask: &Section<'_>) -> Result<AskRequest, Issue> {
    ask.only(&["reason"])?;
    Ok(AskRequest { reason: ask.parsed("reason")? })
}

fn read_secrets(section: &Section<'_>, network: &[NetworkRequest]) -> Result<Vec<SecretRequest>, Issue> {
    let entries = entries(section, "secret")?;
    if entries.len() > MAX_SECRETS {
        let problem = format!("{} entries, more than {MAX_SECRETS}", entries.len());
        let span = section.key_span("secret").unwrap_or(0..0);
        return Err(Issue::new(ManifestErrorKind::invalid("secret", problem), span).hint("ask for less"));
    }
    let mut requests: Vec<SecretRequest> = Vec::new();
    for entry in entries {
        let request = read_secret(&entry)?;
        let span = |key| entry.value(key).map_or(0..0, toml::Spanned::span);
        if !network.iter().any(|request_of| request_of.url.reaches(request.host.origin())) {
            return Err(unreachable_host(&request.host, span("host")));
        }
        if requests.iter().any(|other| (&other.name, &other.host) == (&request.name, &request.host)) {
            return Err(duplicate(&entry, "name", format!("{} for {}", request.name, request.host)));
        }
        let in_place =
            |other: &&SecretRequest| other.host == request.host && other.place.is_same(&request.place);
        if let Some(other) = requests.iter().find(in_place) {
            let problem =
                format!("the secret {} stands there already, in requests to {}", other.name, other.host);
            let key = if entry.value("header").is_some() { "header" } else { "query" };
            let hint = "give each secret a place of its own";
            return Err(Issue::new(ManifestErrorKind::invalid(key, problem), span(key)).hint(hint));
        }
        requests.push(request);
    }
    Ok(requests)
}

fn read_secret(entry: &Section<'_>) -> Result<SecretRequest, Issue> {
    entry.only(&["name", "host", "header", "prefix", "query", "reason"])?;
    let (name, host) = (entry.parsed("name")?, entry.parsed("host")?);
    let (header, prefix, query) = (entry.text("header")?, entry.text("prefix")?, entry.text("query")?);
    let text = |value: &Option<toml::Spanned<&'_ str>>| value.as_ref().map(|text| text.get_ref().to_string());
    let (header, prefix, query) = (text(&header), text(&prefix), text(&query));
    let place = place(header.as_deref(), prefix.as_deref(), query.as_deref()).map_err(|error| {
        let key = if let PermissionError::Secret { what, .. } = &error { entry.value(what) } else { None };
        Issue::new(error, key.map_or_else(|| entry.span(), toml::Spanned::span))
    })?;
    Ok(SecretRequest { name, host, place, reason: entry.parsed("reason")? })
}

/// No request could carry the secret, so that asking for it is a mistake.
fn unreachable_host(host: &SecretHost, span: std::ops::Range<usize>) -> Issue {
    let problem = format!("no [[permission.network]] entry reaches {host} by https");
    Issue::new(ManifestErrorKind::invalid("host", problem), span)
        .hint(format!("add one with url = \"{}\", or a path below it", host.origin()))
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
