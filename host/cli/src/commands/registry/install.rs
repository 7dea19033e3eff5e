//! `openclaw registry install`: resolve, prove, fetch, then the same gates as for a file.

use std::collections::BTreeSet;

use openclaw_package::SkillId;
use openclaw_registry_client::{Client, Fetched, ResolveOptions, Resolved};
use openclaw_runtime::install::{Registered, Source};
use openclaw_runtime::lockfile::{Locked, Lockfile, SkillOrigin};
use semver::VersionReq;

use super::Context;
use super::transfer::Bars;
use crate::cli::RegistryInstall;
use crate::commands::install::{Offer, Terms, accept};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::json::Installed;
use crate::output::Output;
use crate::text::one_line;

/// The reason that `key rotate` gives where its owner gives none.
const ROTATED: &str = "rotated";

/// A skill that is wanted.
pub(super) struct Wanted {
    pub(super) skill: SkillId,
    /// What was asked for, to be kept for later updates.
    pub(super) range: Option<VersionReq>,
    pub(super) options: ResolveOptions,
}

/// Installs skills from a registry, or what a lockfile pins.
pub(super) fn run(arguments: &RegistryInstall, context: &Context<'_>) -> Result<()> {
    let terms =
        Terms { consent: &arguments.consent, allow_downgrade: arguments.allow_downgrade, verb: "install" };
    let mut installed = Vec::new();
    for (client, wanted) in plan(arguments, context)? {
        for (wanted, fetched) in fetch(&client, wanted, context)? {
            match put(&client, wanted.range, fetched, &terms, context) {
                Ok(done) => installed.push(done),
                Err(error) => return Err(after(&installed, error)),
            }
        }
    }
    if context.output.is_json() { context.output.document(&installed) } else { Ok(()) }
}

/// The error of one skill, where others were installed before it.
fn after(installed: &[Installed], error: CliError) -> CliError {
    if installed.is_empty() {
        return error;
    }
    let names: Vec<_> = installed.iter().map(|done| format!("{} {}", done.skill, done.version)).collect();
    CliError { message: format!("{}\n(installed before that: {})", error.message, names.join(", ")), ..error }
}

/// What is wanted from which registry.
fn plan(arguments: &RegistryInstall, context: &Context<'_>) -> Result<Vec<(Client, Vec<Wanted>)>> {
    let Some(path) = &arguments.lockfile else {
        refuse_twice(arguments)?;
        let lockfile = Lockfile::load(&context.environment.data_dir()?.lockfile())?;
        let client = context.client(arguments.at.registry.as_deref())?;
        let wanted = arguments.skills.iter().map(|spec| {
            let locked = lockfile.get(&spec.skill).filter(|locked| is_of(locked, &client));
            Wanted {
                skill: spec.skill.clone(),
                range: spec.range.clone(),
                options: ResolveOptions {
                    installed: locked.map(|locked| locked.version.clone()),
                    locked: None,
                    pre_releases: arguments.pre_releases,
                    downgrade: arguments.allow_downgrade,
                },
            }
        });
        let wanted = wanted.collect();
        return Ok(vec![(client, wanted)]);
    };
    if !path.is_file() {
        let message = format!("there is no file {}", path.display());
        return Err(CliError::new(Exit::NotFound, "file-not-found", message));
    }
    let lockfile = Lockfile::load(path)
        .map_err(|error| CliError { exit: Exit::Usage, ..error.into() }.hint("name an openclaw.lock"))?;
    by_registry(&lockfile, context)
}

/// Refuses a skill that is named twice: whichever was meant, it would be installed twice.
fn refuse_twice(arguments: &RegistryInstall) -> Result<()> {
    let mut named = BTreeSet::new();
    match arguments.skills.iter().find(|spec| !named.insert(&spec.skill)) {
        Some(spec) => {
            Err(CliError::usage(format!("{} is named twice", spec.skill)).hint("name each skill once"))
        }
        None => Ok(()),
    }
}

/// What a lockfile pins, registry by registry.
fn by_registry(lockfile: &Lockfile, context: &Context<'_>) -> Result<Vec<(Client, Vec<Wanted>)>> {
    let mut plan: Vec<(Client, Vec<Wanted>)> = Vec::new();
    for (skill, locked) in lockfile.iter() {
        let SkillOrigin::Registry(origin) = &locked.origin else {
            context.output.warn(format_args!("{skill} came from a file, and is left out"));
            continue;
        };
        let wanted = Wanted {
            skill: skill.clone(),
            range: locked.range.clone(),
            options: ResolveOptions {
                installed: None,
                locked: Some((locked.version.clone(), locked.archive)),
                pre_releases: true,
                downgrade: true,
            },
        };
        if let Some((_, list)) = plan.iter_mut().find(|(client, _)| client.registry().origin() == origin) {
            list.push(wanted);
            continue;
        }
        plan.push((context.client_of_origin(skill, origin)?, vec![wanted]));
    }
    Ok(plan)
}

/// Whether an installed skill came from that registry.
pub(super) fn is_of(locked: &Locked, client: &Client) -> bool {
    locked.origin == SkillOrigin::Registry(client.registry().origin().clone())
}

/// Resolves each, and fetches all, several at a time.
fn fetch(client: &Client, wanted: Vec<Wanted>, context: &Context<'_>) -> Result<Vec<(Wanted, Fetched)>> {
    let mut resolved = Vec::new();
    for one in &wanted {
        let _progress = context.output.progress(&format!("resolving {}", one.skill));
        resolved.push(resolve(client, one, context)?);
    }
    let bars = Bars::new(context.output);
    let fetched = context.wait(async { Ok(client.fetch_all(&resolved, &bars).await) })?;
    wanted.into_iter().zip(fetched).map(|(wanted, fetched)| Ok((wanted, fetched?))).collect()
}

/// Chooses a version and proves it, and says what is unusual about it.
pub(super) fn resolve(client: &Client, wanted: &Wanted, context: &Context<'_>) -> Result<Resolved> {
    let any = VersionReq::STAR;
    let range = wanted.range.as_ref().unwrap_or(&any);
    let resolved = context.wait(client.resolve(&wanted.skill, range, &wanted.options))?;
    remark(&resolved, context.output);
    Ok(resolved)
}

fn remark(resolved: &Resolved, output: &Output) {
    let (skill, version) = (&resolved.skill, resolved.version());
    if let Some(reason) = resolved.yanked() {
        output.warn(format_args!("{skill} {version} was yanked by its publisher: {}", one_line(reason)));
    }
    // That a publisher changed keys as a matter of routine is nothing to be warned of.
    if let Some(reason) = resolved.signer_revocation().filter(|reason| reason != ROTATED) {
        let reason = one_line(&reason);
        output.warn(format_args!("the key that signed {skill} {version} was revoked later: {reason}"));
    }
    for (version, reason) in &resolved.passed_over {
        output.note(format_args!("(note) {skill} {version} is left out: {}", one_line(reason)));
    }
}

/// Puts what was fetched through the same gates as a file.
pub(super) fn put(
    client: &Client,
    range: Option<VersionReq>,
    fetched: Fetched,
    terms: &Terms<'_>,
    context: &Context<'_>,
) -> Result<Installed> {
    let (archive, yanked) = (fetched.archive.clone(), fetched.proven.yanked().map(str::to_owned));
    let (envelope, source) = offered(client, range, fetched)?;
    let offer = Offer { archive: &archive, envelope, source };
    let installed = accept(offer, terms, context.environment, context.output)?;
    Ok(Installed { yanked, ..installed })
}

/// The signature of what was fetched, and who vouches for it.
pub(super) fn offered(
    client: &Client,
    range: Option<VersionReq>,
    fetched: Fetched,
) -> Result<(Vec<u8>, Source)> {
    let provenance = serde_json::to_vec(&fetched.provenance)
        .map_err(|error| CliError::new(Exit::Host, "host-failure", error.to_string()))?;
    let registered = Registered {
        origin: client.registry().origin().clone(),
        log_index: fetched.proven.log_index,
        release: fetched.proven.release,
        publisher: fetched.skill.publisher().clone(),
        range,
        provenance,
    };
    Ok((fetched.signature, Source::Registry(Box::new(registered))))
}
