//! `openclaw registry update`: newer versions, and what they ask for that the installed ones do not.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use openclaw_package::SkillId;
use openclaw_package::registry::Origin;
use openclaw_registry_client::{Client, ResolveOptions, Resolved};
use openclaw_runtime::lockfile::{Locked, Lockfile, SkillOrigin};

use super::Context;
use super::install::{Wanted, offered, put, resolve};
use super::transfer::Bars;
use crate::cli::{Consent, RegistryUpdate};
use crate::commands::install::{Offer, Terms, preview};
use crate::commands::installed;
use crate::error::{CliError, Result};
use crate::json::registry::Update;
use crate::output::{Output, good};
use crate::text::one_line;

/// Updates, or shows what would be updated.
pub(super) fn run(arguments: &RegistryUpdate, context: &Context<'_>) -> Result<()> {
    let terms = Terms { consent: &arguments.consent, allow_downgrade: false, verb: "update" };
    let mut outcome = Outcome::default();
    // One for each registry: what was fetched and checked of it once holds for all of its skills.
    let mut clients: BTreeMap<Origin, Client> = BTreeMap::new();
    for Chosen { skill, locked, origin } in chosen(arguments, context)? {
        let client = match clients.entry(origin) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(new) => {
                context.client_of_origin(&skill, new.key()).map(|client| new.insert(client))
            }
        };
        let done =
            client.and_then(|client| one(client, &skill, &locked, arguments, &terms, context, &mut outcome));
        if let Err(error) = done {
            // One skill must not keep the others back.
            outcome.failed.push((skill, error));
        }
    }
    outcome.tell(arguments, context)
}

/// What became of the skills.
#[derive(Default)]
struct Outcome {
    looked_at: usize,
    available: Vec<Update>,
    installed: Vec<crate::json::Installed>,
    failed: Vec<(SkillId, CliError)>,
}

/// An installed skill that is meant, and the registry that it came from.
struct Chosen {
    skill: SkillId,
    locked: Locked,
    origin: Origin,
}

impl Chosen {
    fn of(skill: &SkillId, locked: &Locked) -> Option<Self> {
        let SkillOrigin::Registry(origin) = &locked.origin else { return None };
        Some(Self { skill: skill.clone(), locked: locked.clone(), origin: origin.clone() })
    }
}

/// The skills that are meant, as they are installed.
fn chosen(arguments: &RegistryUpdate, context: &Context<'_>) -> Result<Vec<Chosen>> {
    let dir = context.environment.data_dir()?;
    let lockfile = Lockfile::load(&dir.lockfile())?;
    if arguments.skills.is_empty() {
        return Ok(lockfile.iter().filter_map(|(skill, locked)| Chosen::of(skill, locked)).collect());
    }
    let find = |skill: &SkillId| {
        let locked = lockfile.get(skill).ok_or_else(|| installed::unknown(&dir, skill))?;
        if let Some(chosen) = Chosen::of(skill, locked) {
            return Ok(chosen);
        }
        let message = format!("{skill} came from a file, so that no registry is asked for it");
        Err(CliError::usage(message).hint(format!("openclaw registry install {skill}")))
    };
    arguments.skills.iter().map(find).collect()
}

fn one(
    client: &Client,
    skill: &SkillId,
    locked: &Locked,
    arguments: &RegistryUpdate,
    terms: &Terms<'_>,
    context: &Context<'_>,
    outcome: &mut Outcome,
) -> Result<()> {
    let range = if arguments.latest { None } else { locked.range.clone() };
    let options = ResolveOptions {
        installed: Some(locked.version.clone()),
        locked: None,
        pre_releases: arguments.pre_releases,
        downgrade: false,
    };
    let wanted = Wanted { skill: skill.clone(), range, options };
    outcome.looked_at += 1;
    let Some(resolved) = newer(client, &wanted, locked, context)? else { return Ok(()) };
    let bars = Bars::new(context.output);
    let fetched = context.wait(client.fetch(&resolved, &bars))?;
    if !arguments.dry_run {
        outcome.installed.push(put(client, wanted.range, fetched, terms, context)?);
        return Ok(());
    }
    let archive = fetched.archive.clone();
    let (envelope, source) = offered(client, wanted.range, fetched)?;
    let offer = Offer { archive: &archive, envelope, source };
    let changes = preview(offer, terms, context.environment, context.output)?;
    let (installed, version) = (locked.version.clone(), resolved.version().clone());
    outcome.available.push(Update { skill: skill.clone(), installed, version, changes });
    Ok(())
}

/// The version that would take the installed one's place, if there is one.
fn newer(
    client: &Client,
    wanted: &Wanted,
    locked: &Locked,
    context: &Context<'_>,
) -> Result<Option<Resolved>> {
    match resolve(client, wanted, context) {
        Ok(resolved) => Ok((*resolved.version() > locked.version).then_some(resolved)),
        // Everything that may be chosen is older than what is installed, or was yanked: it stays.
        Err(error) if matches!(&*error.code, "downgrade" | "yanked" | "no-matching-version") => Ok(None),
        Err(error) => Err(error),
    }
}

impl Outcome {
    /// Says what was done; an error where a skill could not be updated.
    fn tell(self, arguments: &RegistryUpdate, context: &Context<'_>) -> Result<()> {
        let output = context.output;
        // A command that fails says nothing on standard output that a program could take for the whole.
        if output.is_json() {
            return match (self.failure(output), arguments.dry_run) {
                (Some(error), _) => Err(error),
                (None, true) => output.document(&self.available),
                (None, false) => output.document(&self.installed),
            };
        }
        for Update { skill, installed, version, .. } in &self.available {
            output.line(format_args!("{skill} {installed} -> {version}"));
        }
        if !self.available.is_empty() {
            output.note(format_args!("Nothing was changed. This does it: {}", command(arguments)));
        }
        let done = self.available.len() + self.installed.len();
        if self.failed.is_empty() && done == 0 {
            output.line(format_args!("{} ({} looked at)", good("up to date"), self.looked_at));
        }
        self.failure(output).map_or(Ok(()), Err)
    }

    /// The error of the last skill that failed, with what became of the others.
    fn failure(&self, output: &Output) -> Option<CliError> {
        let ((skill, last), others) = self.failed.split_last()?;
        let mut message = format!("{skill} was not updated: {}", last.message);
        for (skill, error) in others {
            let failed = format!("{skill} was not updated: {}", one_line(&error.message));
            if output.is_json() {
                message = format!("{message}\n{failed}");
            } else {
                output.warn(failed);
            }
        }
        if !self.installed.is_empty() {
            let names: Vec<_> =
                self.installed.iter().map(|done| format!("{} {}", done.skill, done.version)).collect();
            message = format!("{message}\n(updated all the same: {})", names.join(", "));
        }
        let (exit, code, hint) = (last.exit, last.code.clone(), last.hint.clone());
        Some(CliError { hint, ..CliError::new(exit, code, message) })
    }
}

/// The command that does what was only shown.
fn command(arguments: &RegistryUpdate) -> String {
    let RegistryUpdate { skills, dry_run: _, latest, consent: Consent { yes, workspace }, pre_releases } =
        arguments;
    let mut words = vec!["openclaw registry update".to_owned()];
    words.extend(skills.iter().map(ToString::to_string));
    let flags = [(latest, "--latest"), (pre_releases, "--pre-releases"), (yes, "--yes")];
    words.extend(flags.into_iter().filter(|(is_given, _)| **is_given).map(|(_, flag)| flag.to_owned()));
    words.extend(workspace.iter().map(|dir| format!("--workspace '{}'", dir.display())));
    words.join(" ")
}
