//! `openclaw install`: verify, show what is asked for, have it consented to, put it in place.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use openclaw_agent::trigger::{self, UnknownZone};
use openclaw_package::registry::api::TriggerLine;
use openclaw_package::{Manifest, Requests, SkillId, SkillMd, Trigger};
use openclaw_runtime::catalog::{Catalog, Entry};
use openclaw_runtime::install::{InstallError, Installer, Source, Staged};
use openclaw_runtime::layout::DataDir;
use openclaw_runtime::lockfile::Locked;
use openclaw_runtime::policy::{Policy, Rule};
use openclaw_runtime::workspace::Workspace;

use crate::cli::{Consent, Install};
use crate::consent::{Assessed, Standing, assess};
use crate::describe::{self, Request};
use crate::environment::{self, Environment};
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::json::registry::Changes;
use crate::json::{CallLimits, Installed};
use crate::output::{Output, dim, good, heading, warning};
use crate::text::summary;

/// Characters of a skill's description that are shown.
const DESCRIPTION: usize = 96;

/// What a package's signature is called, beside it.
pub(crate) fn signature_path(archive: &Path) -> PathBuf {
    let mut name = archive.as_os_str().to_owned();
    name.push(".dsse.json");
    name.into()
}

/// Installs a package from a file.
pub(crate) fn run(arguments: &Install, environment: &Environment, output: &Output) -> Result<()> {
    let envelope = read_signature(&arguments.archive)?;
    let offer = Offer { archive: &arguments.archive, envelope, source: Source::Local };
    let terms =
        Terms { consent: &arguments.consent, allow_downgrade: arguments.allow_downgrade, verb: "install" };
    let installed = accept(offer, &terms, environment, output)?;
    if output.is_json() { output.document(&installed) } else { Ok(()) }
}

/// A package that may be installed.
pub(crate) struct Offer<'a> {
    pub(crate) archive: &'a Path,
    pub(crate) envelope: Vec<u8>,
    pub(crate) source: Source,
}

/// What its owner said beforehand.
pub(crate) struct Terms<'a> {
    /// Whether all that is shown is granted without a question, and for which workspace.
    pub(crate) consent: &'a Consent,
    /// Whether an older version may take the place of a newer one.
    pub(crate) allow_downgrade: bool,
    /// What the owner asked to be done: install or update.
    pub(crate) verb: &'static str,
}

/// Verifies a package, shows what it asks for, has it consented to, and puts it in place.
pub(crate) fn accept(
    offer: Offer<'_>,
    terms: &Terms<'_>,
    environment: &Environment,
    output: &Output,
) -> Result<Installed> {
    let dir = environment.data_dir()?;
    let workspace = environment::workspace(terms.consent.workspace.as_deref())?;
    let installer = Installer::open(&dir)?;
    let staged = {
        let _progress = output.progress("verifying");
        installer.stage(offer.archive, offer.envelope, offer.source)?
    };
    refuse_downgrade(&staged, terms.allow_downgrade)?;
    {
        let _progress = output.progress("compiling the component");
        probe(&staged, environment)?;
    }
    let asked = Asked::of(&dir, &staged, workspace.as_ref())?;
    let policy = Policy::load(&dir.policy())?;
    show(&staged, &asked, &policy, workspace.as_ref(), output);
    let consented = asked.consent(terms, output)?;
    let previous = staged.installed().cloned();
    let locked = installer.commit(staged, &consented, terms.allow_downgrade)?;
    let done = Done { skill: asked.skill, previous, locked };
    finish(&done, &dir, workspace.as_ref(), output)
}

/// Verifies a package and shows what it asks for, and what changes; nothing is installed.
pub(crate) fn preview(
    offer: Offer<'_>,
    terms: &Terms<'_>,
    environment: &Environment,
    output: &Output,
) -> Result<Changes> {
    let dir = environment.data_dir()?;
    let workspace = environment::workspace(terms.consent.workspace.as_deref())?;
    let staged = Installer::open(&dir)?.stage(offer.archive, offer.envelope, offer.source)?;
    let asked = Asked::of(&dir, &staged, workspace.as_ref())?;
    show(&staged, &asked, &Policy::load(&dir.policy())?, workspace.as_ref(), output);
    let new = asked.requests.iter().filter(|(_, is_new)| *is_new);
    let requests = dropped(&staged).into_iter().map(|request| request.words);
    Ok(Changes {
        asks_anew: new.map(|(assessed, _)| assessed.document(&asked.skill)).collect(),
        triggers_anew: asked.new_triggers().cloned().collect(),
        asks_no_longer: requests.chain(dropped_triggers(&staged)).collect(),
    })
}

/// Tries the package out before it takes the place of one that works; its component is then compiled.
fn probe(staged: &Staged, environment: &Environment) -> Result<()> {
    let skill = staged.package().manifest().id();
    staged.probe(&environment.sandbox()?).map_err(|error| {
        let message = format!("{skill} cannot be called, and is not installed: {error}");
        CliError::new(Exit::of_code(error.code()), error.code(), message).hint("tell its author")
    })
}

/// The installer refuses it too, but only after its owner was asked.
fn refuse_downgrade(staged: &Staged, allowed: bool) -> Result<()> {
    let manifest = staged.package().manifest();
    match staged.installed() {
        Some(installed) if manifest.version() < installed && !allowed => Err(InstallError::Downgrade {
            skill: manifest.id().clone(),
            offered: manifest.version().clone(),
            installed: installed.clone(),
        }
        .into()),
        _ => Ok(()),
    }
}

/// Reads the signature beside a package.
pub(crate) fn read_signature(archive: &Path) -> Result<Vec<u8>> {
    if !archive.is_file() {
        let message = format!("there is no file {}", archive.display());
        return Err(CliError::new(Exit::NotFound, "file-not-found", message));
    }
    let path = signature_path(archive);
    match fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let message = format!("{} is not signed: there is no {}", archive.display(), path.display());
            Err(CliError::new(Exit::Refused, "unsigned", message)
                .hint(format!("its publisher signs it with: openclaw skill sign {}", archive.display())))
        }
        read => read.map_err(CliError::at(&path)),
    }
}

/// What a package asks for, and how that stands.
struct Asked {
    skill: SkillId,
    requests: Vec<(Assessed, bool)>,
    /// What makes its tools be called, and whether the installed version had that.
    triggers: Vec<(TriggerLine, bool)>,
}

impl Asked {
    /// Holds each request against the policy and against what the installed version asked for.
    fn of(dir: &DataDir, staged: &Staged, workspace: Option<&Workspace>) -> Result<Self> {
        let manifest = staged.package().manifest();
        let before = staged.installed().map(|_| {
            staged.installed_manifest().map(|manifest| manifest.requests().clone()).unwrap_or_default()
        });
        let requests = assess(dir, manifest.id(), manifest.requests(), workspace)?
            .into_iter()
            .map(|assessed| {
                let is_new = needs_answer(&assessed, before.as_ref());
                (assessed, is_new)
            })
            .collect();
        let triggers = manifest.triggers().iter().map(|trigger| {
            let had = staged.installed_manifest().is_some_and(|before| before.triggers().contains(trigger));
            (TriggerLine::from(trigger), !had)
        });
        Ok(Self { skill: manifest.id().clone(), requests, triggers: triggers.collect() })
    }

    /// The triggers that nobody consented to yet.
    fn new_triggers(&self) -> impl Iterator<Item = &TriggerLine> {
        self.triggers.iter().filter(|(_, is_new)| *is_new).map(|(trigger, _)| trigger)
    }

    /// The rules that the owner consents to: all that are new, or nothing is installed.
    fn consent(&self, terms: &Terms<'_>, output: &Output) -> Result<Vec<Rule>> {
        let open: Vec<&Assessed> =
            self.requests.iter().filter(|(_, is_new)| *is_new).map(|(assessed, _)| assessed).collect();
        if open.is_empty() && self.new_triggers().next().is_none() {
            return Ok(Vec::new());
        }
        if !terms.consent.yes {
            let verb = if terms.verb == "update" { "Update" } else { "Install" };
            match output.confirm(&format!("{verb} {} and grant it this?", self.skill)) {
                Some(true) => {}
                Some(false) => {
                    let message = format!("{} was not installed", self.skill);
                    return Err(CliError::new(Exit::Refused, "no-consent", message));
                }
                None => return Err(self.unanswered(&open, terms.verb)),
            }
        }
        let rule = |assessed: &&Assessed| match &assessed.standing {
            Standing::Open(rule) => Some(rule.clone()),
            _ => None,
        };
        Ok(open.iter().filter_map(rule).collect())
    }

    fn unanswered(&self, open: &[&Assessed], verb: &str) -> CliError {
        let requests = open.iter().map(|assessed| format!("  {}", assessed.request.words));
        let words: Vec<_> =
            requests.chain(self.new_triggers().map(|trigger| format!("  {}", trigger.words()))).collect();
        let commands = open.iter().map(|assessed| format!("  {}", assessed.command(&self.skill)));
        let message =
            format!("{} asks for permissions that nobody consented to:\n{}", self.skill, words.join("\n"));
        if open.is_empty() {
            let hint = "--yes consents to it; openclaw trigger pause takes that back later";
            return CliError::new(Exit::Refused, "consent-needed", message).hint(hint);
        }
        let hint = format!(
            "--yes consents to all of it; or answer one by one, with grant allow or grant deny, and {verb} it \
             again:\n{}",
            commands.collect::<Vec<_>>().join("\n")
        );
        CliError::new(Exit::Refused, "consent-needed", message).hint(hint)
    }
}

/// Whether a request waits for an answer: what is not granted, unless an installed version asked for
/// it already, since then its owner has answered.
fn needs_answer(assessed: &Assessed, before: Option<&Requests>) -> bool {
    let alone = &assessed.request.alone;
    let asked_before = before.is_some_and(|before| before.covers(alone));
    match assessed.standing {
        Standing::Open(_) => !asked_before,
        // A rule says nothing of the quota, nor of where in a request a secret stands, so that a larger one or
        // another place is granted by nobody yet.
        Standing::Granted => {
            let is_larger = |before: &Requests| {
                alone.memory.is_some() && before.memory.is_some()
                    || alone.llm.is_some() && before.llm.is_some()
                    || !alone.secret.is_empty()
            };
            before.is_some_and(is_larger) && !asked_before
        }
        Standing::Denied | Standing::NoWorkspace | Standing::NoProgram(_) => false,
    }
}

fn show(staged: &Staged, asked: &Asked, policy: &Policy, workspace: Option<&Workspace>, output: &Output) {
    let package = staged.package();
    let manifest = package.manifest();
    let version = match staged.installed() {
        Some(installed) => format!("{} (installed: {installed})", manifest.version()),
        None => manifest.version().to_string(),
    };
    output.note(format_args!("{} {version}", heading(manifest.id())));
    output.note(format_args!("signed by {} as {}", manifest.id().publisher(), package.signer()));
    if let Source::Registry(registered) = staged.source() {
        output.note(format_args!("entry {} in the log of {}", registered.log_index, registered.origin));
    }
    if asked.requests.is_empty() && asked.triggers.is_empty() {
        output.note("it asks for no permission");
    } else {
        output.note("it asks to");
    }
    for request in dropped(staged) {
        output.note(format_args!("  - {}{}", good("(no longer) "), request.words));
    }
    for words in dropped_triggers(staged) {
        output.note(format_args!("  - {}{words}", good("(no longer) ")));
    }
    for (assessed, is_new) in &asked.requests {
        let mark = match (&assessed.standing, is_new) {
            (_, true) if staged.installed().is_some() => warning("(new) "),
            (Standing::Denied, _) => warning("(your policy denies it) "),
            (Standing::NoProgram(why), _) => warning(format_args!("(stays ungranted: {why}) ")),
            (Standing::Granted, _) => good("(granted already) "),
            (Standing::Open(_), false) => dim("(still not granted) "),
            _ => String::new(),
        };
        output.note(format_args!("  - {mark}{}", describe::line(&assessed.request)));
        if assessed.request.is_workspace() {
            match workspace {
                Some(workspace) => {
                    output.note(format_args!("    the workspace is {}", workspace.path().display()))
                }
                None => {
                    output.note(
                        "    the current directory cannot be a workspace, so this stays ungranted; later:",
                    );
                    output.note(format_args!("    {}", assessed.command(&asked.skill)));
                }
            }
        }
    }
    let programs = describe::programs(manifest.requests());
    for text in &programs {
        output.note(format_args!("    {text}"));
    }
    if !programs.is_empty() {
        output.note(dim(format_args!("    {}", describe::PROGRAMS_CANNOT)));
    }
    show_triggers(staged, asked, output);
    for text in describe::warnings(manifest.requests()) {
        output.note(format_args!("  {} {text}", warning("!")));
    }
    let (limits, cuts) = policy.ceilings().apply(manifest);
    output.note(format_args!("limits of a call: {}", describe::limits(&CallLimits::from(&limits))));
    describe::cuts(&cuts).into_iter().for_each(|cut| output.note(format_args!("  {cut}")));
    output.note(format_args!("it says of itself: {}", own_words(package.skill_md())));
}

fn show_triggers(staged: &Staged, asked: &Asked, output: &Output) {
    for (trigger, is_new) in &asked.triggers {
        let mark = if *is_new && staged.installed().is_some() { warning("(new) ") } else { String::new() };
        output.note(format_args!("  - {mark}{}", trigger.words()));
    }
    for trigger in staged.package().manifest().triggers() {
        if let Trigger::Cron(cron) = trigger
            && let Err(unknown) = trigger::next(cron, Timestamp::now())
        {
            output.note(format_args!("  {} {unknown}, so that this is never called", warning("!")));
            output.note(format_args!("    {}", UnknownZone::hint()));
        }
    }
}

/// The triggers that the installed version had and this one has not, in words.
fn dropped_triggers(staged: &Staged) -> impl Iterator<Item = String> {
    let now = staged.package().manifest().triggers();
    let before = staged.installed_manifest().map(Manifest::triggers).unwrap_or_default();
    before
        .iter()
        .filter(move |trigger| !now.contains(trigger))
        .map(|trigger| TriggerLine::from(trigger).words())
}

/// What the installed version asked for and this one does not.
fn dropped(staged: &Staged) -> Vec<Request> {
    let now = staged.package().manifest().requests();
    let before = staged.installed_manifest().map(|manifest| describe::requests(manifest.requests()));
    before.unwrap_or_default().into_iter().filter(|request| !now.covers(&request.alone)).collect()
}

fn own_words(skill_md: &SkillMd) -> String {
    dim(summary(skill_md.description(), DESCRIPTION))
}

/// What was done.
struct Done {
    skill: SkillId,
    previous: Option<semver::Version>,
    locked: Locked,
}

/// Says what is installed now, as the runtime reads it.
fn finish(done: &Done, dir: &DataDir, workspace: Option<&Workspace>, output: &Output) -> Result<Installed> {
    let skill = &done.skill;
    let catalog = Catalog::load(dir)?;
    let loaded = match catalog.get(skill) {
        Some(Entry::Loaded(loaded)) => loaded,
        Some(Entry::Refused(reason)) => return Err(not_loaded(skill, &reason.to_string(), reason.code())),
        None => return Err(not_loaded(skill, "it was removed meanwhile", "not-installed")),
    };
    let tools: Vec<_> = loaded.tools().iter().map(|tool| skill.tool(tool.name.clone())).collect();
    let assessed = assess(dir, skill, loaded.manifest().requests(), workspace)?;
    let document = Installed {
        skill: skill.clone(),
        version: done.locked.version.clone(),
        previous: done.previous.clone(),
        digest: done.locked.archive,
        signer: done.locked.signer.clone(),
        origin: done.locked.origin.to_string(),
        log_index: done.locked.log_index,
        yanked: None,
        permissions: assessed.iter().map(|assessed| assessed.document(skill)).collect(),
        limits: CallLimits::from(loaded.limits()),
        cuts: loaded.cuts().to_vec(),
        tools,
    };
    if output.is_json() {
        return Ok(document);
    }
    let from = match &done.previous {
        Some(previous) if *previous == done.locked.version => " again".to_owned(),
        Some(previous) => format!(" in place of {previous}"),
        None => String::new(),
    };
    output.line(format_args!("{} {skill} {}{from}", good("installed"), done.locked.version));
    if let Some(tool) = document.tools.first() {
        output.note(format_args!("Call a tool of it with: openclaw tool call {tool} '{{…}}'"));
    }
    Ok(document)
}

fn not_loaded(skill: &SkillId, reason: &str, code: &'static str) -> CliError {
    CliError::new(Exit::of_code(code), code, format!("{skill} was installed and does not load: {reason}"))
        .hint(format!("openclaw remove {skill}"))
}
