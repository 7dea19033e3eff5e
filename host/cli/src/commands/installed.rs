//! `openclaw list` and `openclaw remove`: what is installed.

use openclaw_agent::trigger::Store;
use openclaw_package::SkillId;
use openclaw_runtime::catalog::{Catalog, Entry};
use openclaw_runtime::install::{InstallError, Installer};
use openclaw_runtime::layout::DataDir;
use openclaw_runtime::lockfile::Lockfile;
use openclaw_runtime::policy::Policy;
use openclaw_runtime::secrets::Secrets;

use crate::cli::Remove;
use crate::consent::own_rules;
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::json::{ListedSkill, Removed};
use crate::output::{Output, good, table};
use crate::text::{one_line, summary};

/// Characters of a skill's description that are shown.
const DESCRIPTION: usize = 64;

/// Lists what is installed.
pub(crate) fn list(environment: &Environment, output: &Output) -> Result<()> {
    let dir = environment.data_dir()?;
    let lockfile = Lockfile::load(&dir.lockfile())?;
    let catalog = Catalog::load(&dir)?;
    let skills: Vec<_> = lockfile
        .iter()
        .map(|(skill, locked)| {
            let (reason, description) = match catalog.get(skill) {
                Some(Entry::Loaded(loaded)) => (None, Some(loaded.description().to_owned())),
                Some(Entry::Refused(reason)) => (Some(reason.to_string()), None),
                None => (Some("it was removed meanwhile".to_owned()), None),
            };
            ListedSkill {
                skill: skill.clone(),
                version: locked.version.clone(),
                status: if reason.is_none() { "loaded" } else { "refused" },
                reason,
                description,
                digest: locked.archive,
                signer: locked.signer.clone(),
                origin: locked.origin.to_string(),
            }
        })
        .collect();
    if output.is_json() {
        return output.document(&skills);
    }
    if skills.is_empty() {
        output.note("no skill is installed yet: openclaw install <package>");
        return Ok(());
    }
    let row = |listed: &ListedSkill| {
        let description = listed.description.as_deref().unwrap_or_default();
        let name = listed.skill.to_string();
        [name, listed.version.to_string(), listed.status.to_owned(), summary(description, DESCRIPTION)]
    };
    let rows: Vec<_> = skills.iter().map(row).collect();
    output.lines(table(["skill", "version", "status", "description"], &rows));
    for listed in &skills {
        if let Some(reason) = &listed.reason {
            output.warn(format_args!("{} is not loaded: {}", listed.skill, one_line(reason)));
        }
    }
    Ok(())
}

/// Removes a skill, and with `--purge` all that is left of it.
pub(crate) fn remove(arguments: &Remove, environment: &Environment, output: &Output) -> Result<()> {
    let dir = environment.data_dir()?;
    let skill = &arguments.skill;
    if arguments.purge && Lockfile::load(&dir.lockfile())?.get(skill).is_some() {
        // First, since it can be done again while the skill is there: a keyring may be locked.
        environment.secrets()?.forget(skill)?;
    }
    let locked = Installer::open(&dir)?.remove(skill, arguments.purge).map_err(|error| match error {
        InstallError::NotInstalled(_) => unknown(&dir, skill),
        error => error.into(),
    })?;
    if arguments.purge {
        if dir.triggers().is_file() {
            Store::open(&dir)?.forget(skill)?;
        }
        let older = dir.log(skill).with_extension("log.1");
        match std::fs::remove_file(&older) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(CliError::io(&older, &error));
            }
            _ => {}
        }
    }
    let secrets = environment.secrets()?;
    let kept = if arguments.purge { Vec::new() } else { kept(&dir, &secrets, skill)? };
    if output.is_json() {
        return output.document(&Removed { skill: skill.clone(), version: locked.version, kept });
    }
    let all = if arguments.purge { " and all that it kept" } else { "" };
    output.line(format_args!("{} {skill} {}{all}", good("removed"), locked.version));
    if !kept.is_empty() {
        output.note(format_args!("Kept: its {}.", kept.join(", ")));
        output.note("They are used again if it is installed again; to delete them, install it and remove it with --purge.");
    }
    Ok(())
}

/// What is left of a skill that is not installed any more.
fn kept(dir: &DataDir, secrets: &Secrets, skill: &SkillId) -> Result<Vec<&'static str>> {
    let has_rules = !own_rules(&Policy::load(&dir.policy())?, skill).is_empty();
    let kept = [
        ("data", dir.data(skill).is_dir()),
        ("memory", dir.memory().join(format!("{skill}.db")).is_file()),
        ("log", dir.log(skill).is_file()),
        ("secrets", !secrets.names(skill)?.is_empty()),
        ("rules", has_rules),
    ];
    Ok(kept.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name).collect())
}

/// A skill that is not installed, and the one of a similar name that is.
pub(crate) fn unknown(dir: &DataDir, skill: &SkillId) -> CliError {
    let error = CliError::new(Exit::NotFound, "not-installed", format!("{skill} is not installed"));
    match nearest(dir, skill) {
        Some(other) => error.hint(format!("did you mean {other}?")),
        None => error.hint("openclaw list shows what is installed"),
    }
}

/// The installed skill whose name differs by a slip or two.
pub(crate) fn nearest(dir: &DataDir, skill: &SkillId) -> Option<SkillId> {
    let lockfile = Lockfile::load(&dir.lockfile()).ok()?;
    let slips = |other: &SkillId| strsim::damerau_levenshtein(skill.as_str(), other.as_str());
    let most = 2.max(skill.name().as_str().len() / 3);
    let near = lockfile.iter().map(|(other, _)| (slips(other), other)).filter(|(slips, _)| *slips <= most);
    near.min().map(|(_, other)| other.clone())
}
