//! The manifest: a refusal has its place, and what is accepted means the same written anew.

use std::collections::BTreeSet;
use std::fmt::Display;

use openclaw_package::manifest::MAX_MANIFEST_SIZE;
use openclaw_package::{Manifest, Requests};
use toml::Value;

use super::{permission, text, told};

/// A manifest is read to the last key, or refused with a place in its text.
pub fn manifest(data: &[u8]) {
    match Manifest::from_bytes(data) {
        Ok(manifest) => {
            assert!(data.len() <= MAX_MANIFEST_SIZE);
            assert!(manifest.version().build.is_empty());
            check(manifest.requests());
            let again = written(&manifest);
            assert_eq!(Manifest::parse(&again).as_ref().ok(), Some(&manifest), "{again}");
        }
        Err(error) => {
            told(&error, error.code(), error.hint());
            let text = text(data).unwrap_or_default();
            assert!(text.get(error.span()).is_some(), "{:?} of {}", error.span(), text.len());
            assert!((1..=text.matches('\n').count() + 1).contains(&error.line()));
            assert!((1..=text.len() + 1).contains(&error.column()));
        }
    }
}

/// What no manifest can ask.
fn check(requests: &Requests) {
    permission::check(requests);
    let trees: BTreeSet<_> = requests.filesystem.iter().map(|request| &request.tree).collect();
    let urls: BTreeSet<_> = requests.network.iter().map(|request| &request.url).collect();
    assert_eq!((trees.len(), urls.len()), (requests.filesystem.len(), requests.network.len()));
    assert!(trees.len() <= 64 && urls.len() <= 64);
}

/// The manifest that says the same.
fn written(manifest: &Manifest) -> String {
    let requests = manifest.requests();
    let mut text = format!(
        "[skill]\npublisher = {}\nname = {}\nversion = {}\n",
        quoted(manifest.id().publisher()),
        quoted(manifest.id().name()),
        quoted(manifest.version()),
    );
    text.extend(manifest.category().map(|category| format!("category = {}\n", quoted(category))));
    text.extend(requests.filesystem.iter().map(|request| {
        let (tree, access, reason) = (quoted(&request.tree), quoted(request.access), quoted(&request.reason));
        format!("[[permission.filesystem]]\ntree = {tree}\naccess = {access}\nreason = {reason}\n")
    }));
    text.extend(requests.network.iter().map(|request| {
        let (url, reason, internal) = (quoted(&request.url), quoted(&request.reason), request.internal);
        let methods = Value::Array(request.methods.iter().map(quoted).collect());
        format!(
            "[[permission.network]]\nurl = {url}\nmethods = {methods}\ninternal = {internal}\nreason = {reason}\n"
        )
    }));
    text.extend(requests.memory.iter().map(|request| {
        let (quota, reason) = (quoted(request.quota), quoted(&request.reason));
        format!("[permission.memory]\nquota = {quota}\nreason = {reason}\n")
    }));
    text.push_str("[limits]\n");
    let limits = manifest.limits();
    text.extend(limits.fuel().map(|fuel| format!("fuel = {fuel}\n")));
    text.extend(limits.memory().map(|size| format!("memory = {}\n", quoted(size))));
    text.extend(limits.timeout().map(|time| format!("timeout = \"{}ms\"\n", time.as_millis())));
    text.extend(limits.output().map(|size| format!("output = {}\n", quoted(size))));
    text
}

fn quoted(value: impl Display) -> Value {
    Value::String(value.to_string())
}
