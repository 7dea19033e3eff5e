//! The owner's directories, the engine, and what is installed.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use openclaw_package::{Digest, Requests};
use openclaw_runtime::audit;
use openclaw_runtime::catalog::{Catalog, Entry};
use openclaw_runtime::layout::DataDir;
use openclaw_runtime::lockfile::Lockfile;
use openclaw_runtime::policy::Policy;
use openclaw_runtime::sandbox::{PrepareError, Sandbox};
use openclaw_runtime::trust::TrustStore;

use super::{failed, passed, warned};
use crate::config::SandboxLevel;
use crate::environment::Environment;
use crate::json::Check;
use crate::keys;

/// The smallest component there is: the preamble, and nothing in it.
const EMPTY_COMPONENT: [u8; 8] = *b"\0asm\x0d\0\x01\0";

/// The data and the cache directory.
pub(super) fn directories(environment: &Environment) -> Vec<Check> {
    let data = match environment.data_dir() {
        Ok(dir) => private("data directory", dir.root()),
        Err(error) => {
            failed("data directory", error.message, "set OPENCLAW_DATA_DIR to a directory of yours")
        }
    };
    let artefacts = environment.artefacts();
    let cache = if artefacts.is_dir() {
        private("cache directory", &artefacts)
    } else {
        let made = fs::create_dir_all(environment.cache_path());
        match made.and_then(|()| tempfile::tempfile_in(environment.cache_path())) {
            Ok(_) => passed("cache directory", environment.cache_path().display().to_string()),
            Err(error) => failed(
                "cache directory",
                format!("{}: {error}", environment.cache_path().display()),
                "set OPENCLAW_CACHE_DIR to a directory of yours",
            ),
        }
    };
    vec![data, cache]
}

/// Whether a directory is this user's, for this user alone, and can be written.
fn private(name: &str, path: &Path) -> Check {
    let shown = path.display();
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) => return failed(name, format!("{shown}: {error}"), "make it, for yourself alone"),
    };
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return failed(
            name,
            format!("{shown} belongs to somebody else"),
            format!("chown -R \"$USER\" '{shown}'"),
        );
    }
    if meta.permissions().mode() & 0o077 != 0 {
        return failed(name, format!("others can look into {shown}"), format!("chmod 700 '{shown}'"));
    }
    match tempfile::tempfile_in(path) {
        Ok(_) => passed(name, shown.to_string()),
        Err(error) => {
            failed(name, format!("{shown} cannot be written: {error}"), "free some space, or mend its mount")
        }
    }
}

/// The engine, and the process that compiles for it.
pub(super) fn engine(environment: &Environment) -> Vec<Check> {
    let sandbox = match environment.sandbox() {
        Ok(sandbox) => sandbox,
        Err(error) => {
            return vec![failed("engine", error.message, "it needs address space: look at ulimit -v")];
        }
    };
    let engine = passed("engine", "starts");
    drop(sandbox);
    let compiler = match environment.fresh_sandbox() {
        Ok((sandbox, _cache)) => compiler(&sandbox),
        Err(error) => {
            failed("compiler", error.message, "see that the system's temporary directory can be written")
        }
    };
    vec![engine, compiler]
}

/// An empty component compiles, and then has no tools: that it gets so far is what is checked.
fn compiler(sandbox: &Sandbox) -> Check {
    let digest = Digest::of(&EMPTY_COMPONENT);
    match sandbox.prepare(&EMPTY_COMPONENT, digest, &Requests::default()) {
        Ok(_) | Err(PrepareError::Link(_)) => passed("compiler", "works, in a process of its own"),
        Err(error) => {
            failed("compiler", error.to_string(), "it needs 4 GiB of address space and to start this program")
        }
    }
}

/// The owner's files, and each installed skill.
pub(super) fn state(environment: &Environment) -> Vec<Check> {
    let Ok(dir) = environment.data_dir() else { return Vec::new() };
    let mut checks = vec![
        configuration(environment),
        file("policy", Policy::load(&dir.policy()), &dir.policy()),
        file("trust", TrustStore::load(&dir.trust()), &dir.trust()),
        file("lockfile", Lockfile::load(&dir.lockfile()), &dir.lockfile()),
        file("audit log", audit::head(&dir.audit()), &dir.audit()),
    ];
    checks.extend(signing_keys(&dir));
    checks.extend(secrets(environment));
    checks.extend(skills(&dir, environment));
    checks
}

/// The configuration, and that the level which it asks for can be had.
fn configuration(environment: &Environment) -> Check {
    let config = match environment.config() {
        Ok(config) => config,
        Err(error) => return failed("config", error.message, error.hint.unwrap_or_default()),
    };
    match config.level() {
        SandboxLevel::Isolated if !openclaw_runtime::isolated::is_supported() => failed(
            "config",
            "it asks for level isolated, which this kernel cannot give",
            "execution.sandbox.level: restricted; or use Linux 6.2 or later with Landlock",
        ),
        SandboxLevel::Isolated => passed("config", "skills run isolated, in worker processes"),
        SandboxLevel::Restricted => passed("config", "skills run restricted, in this process"),
    }
}

fn file<T, E: std::fmt::Display>(name: &str, read: Result<T, E>, path: &Path) -> Check {
    match read {
        Ok(_) if path.exists() => passed(name, "can be read"),
        Ok(_) => passed(name, "not there yet"),
        Err(error) => failed(name, error.to_string(), format!("mend {}", path.display())),
    }
}

fn signing_keys(dir: &DataDir) -> Vec<Check> {
    let publishers = match keys::publishers(dir) {
        Ok(publishers) => publishers,
        Err(error) => return vec![failed("keys", error.message, "see that you can read the directory")],
    };
    let check = |publisher| match keys::load(dir, &publisher) {
        Ok(_) => passed(format!("key of {publisher}"), "private, and can be read"),
        Err(error) => failed(format!("key of {publisher}"), error.message, error.hint.unwrap_or_default()),
    };
    publishers.into_iter().map(check).collect()
}

/// The files of secrets, without asking a keyring for anything.
fn secrets(environment: &Environment) -> Vec<Check> {
    let read = environment.secrets().and_then(|secrets| {
        let skills = secrets.skills()?;
        skills.iter().try_for_each(|skill| secrets.names(skill).map(drop))?;
        Ok(skills.len())
    });
    match read {
        Ok(0) => Vec::new(),
        Ok(_) => vec![passed("secrets", "private, and can be read")],
        Err(error) => vec![failed("secrets", error.message, error.hint.unwrap_or_default())],
    }
}

fn skills(dir: &DataDir, environment: &Environment) -> Vec<Check> {
    // What the catalog cannot do without was checked before.
    let (Ok(catalog), Ok(sandbox)) = (Catalog::load(dir), environment.sandbox()) else { return Vec::new() };
    let check = |(skill, entry): (&openclaw_package::SkillId, &Entry)| {
        let again = format!("install {skill} again, or: openclaw remove {skill}");
        let loaded = match entry {
            Entry::Refused(reason) => return failed(skill.to_string(), reason.to_string(), again),
            Entry::Loaded(loaded) => loaded,
        };
        match loaded.ready(&sandbox) {
            Err(error) => failed(skill.to_string(), error.to_string(), again),
            Ok(_) if loaded.cuts().is_empty() => passed(skill.to_string(), "verifies and loads"),
            Ok(_) => warned(
                skill.to_string(),
                "verifies and loads; your ceilings cut its limits",
                format!(
                    "openclaw skill inspect {skill} shows them; the ceilings are in {}",
                    dir.policy().display()
                ),
            ),
        }
    };
    catalog.iter().map(check).collect()
}
