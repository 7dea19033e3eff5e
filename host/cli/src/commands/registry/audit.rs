//! `openclaw registry audit`: what became of the installed skills since they were installed.

use std::collections::BTreeSet;

use openclaw_package::SkillId;
use openclaw_package::registry::Origin;
use openclaw_registry_client::{
    AuditReport, Audited, Client, Finding, Installed, KnownRegistry, Severity, WatchFinding, WatchReport,
};
use openclaw_runtime::lockfile::{Lockfile, SkillOrigin};

use super::Context;
use super::transfer::Bars;
use crate::cli::RegistryAudit;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::json::registry::{Audit, AuditFinding, AuditedLog, AuditedRegistry, AuditedSkill};
use crate::output::{Output, bad, dim, good, warning};
use crate::text::one_line;

/// Audits all that is installed, at all registries that are known.
pub(super) fn run(arguments: &RegistryAudit, context: &Context<'_>) -> Result<Exit> {
    let installed = installed(&Lockfile::load(&context.environment.data_dir()?.lockfile())?);
    let skills = installed.iter().map(unasked).collect();
    let mut document = Audit { skills, registries: Vec::new() };
    let mut refused: Vec<(KnownRegistry, CliError)> = Vec::new();
    let known = context.registries()?.list()?;
    let origins: BTreeSet<Origin> = known.iter().map(|known| known.origin().clone()).collect();
    for origin in &origins {
        // The same registry under several URLs has one thing to say.
        let urls = known.iter().filter(|known| known.origin() == origin);
        let mut silent = None;
        for known in urls {
            let client = context.client_of(known.clone())?;
            // A registry that is not to be believed must not hide what another one says.
            match ask(&client, &installed, arguments, context) {
                Ok((report, log)) if report.outage.is_none() => {
                    silent = None;
                    add(&mut document, &client, report, log);
                    break;
                }
                Ok(said) => silent = silent.or(Some((client, said))),
                Err(error) => refused.push((known.clone(), error)),
            }
        }
        if let Some((client, (report, log))) = silent {
            add(&mut document, &client, report, log);
        }
    }
    not_asked(&mut document, &origins, &refused);
    tell(&document, origins.is_empty(), context.output)?;
    let Some((known, last)) = refused.pop() else { return Ok(exit(&document)) };
    for (known, error) in &refused {
        context.output.warn(format_args!("{} was not audited: {}", known.url(), one_line(&error.message)));
    }
    Err(CliError { message: format!("{} was not audited: {}", known.url(), last.message), ..last })
}

/// What came from registries.
fn installed(lockfile: &Lockfile) -> Vec<Installed> {
    let of_registry = lockfile.iter().filter_map(|(skill, locked)| match &locked.origin {
        SkillOrigin::Registry(origin) => Some(Installed {
            skill: skill.clone(),
            version: locked.version.clone(),
            archive: locked.archive,
            range: locked.range.clone(),
            origin: origin.clone(),
        }),
        SkillOrigin::Local => None,
    });
    of_registry.collect()
}

fn unasked(installed: &Installed) -> AuditedSkill {
    AuditedSkill {
        skill: installed.skill.clone(),
        version: installed.version.clone(),
        origin: installed.origin.to_string(),
        findings: Vec::new(),
    }
}

/// Says of which skills nobody was asked, and why.
fn not_asked(document: &mut Audit, origins: &BTreeSet<Origin>, refused: &[(KnownRegistry, CliError)]) {
    let Audit { skills, registries } = document;
    for skill in skills {
        let of_origin = |known: &KnownRegistry| known.origin().as_str() == skill.origin;
        if !origins.iter().any(|origin| origin.as_str() == skill.origin) {
            skill.findings.push(AuditFinding {
                code: "unknown-origin",
                severity: "warning",
                message: format!(
                    "it came from {}, for which no registry is pinned; nobody can be asked about it",
                    skill.origin
                ),
                hint: Some("openclaw registry login --registry https://…".to_owned()),
            });
        } else if let Some((known, _)) = refused.iter().find(|(known, _)| of_origin(known))
            && !registries.iter().any(|asked| asked.origin.as_str() == skill.origin)
        {
            skill.findings.push(AuditFinding {
                code: "not-asked",
                severity: "warning",
                message: format!("its registry, {}, is not believed, and said nothing of it", known.url()),
                hint: None,
            });
        }
    }
}

/// Asks one registry.
fn ask(
    client: &Client,
    installed: &[Installed],
    arguments: &RegistryAudit,
    context: &Context<'_>,
) -> Result<(AuditReport, Option<WatchReport>)> {
    let progress = context.output.progress(&format!("asking {}", client.registry().url()));
    let report = context.wait(client.audit(installed))?;
    drop(progress);
    let log = if arguments.whole_log && report.outage.is_none() {
        Some(context.wait(client.watch_log(&Bars::new(context.output)))?)
    } else {
        None
    };
    Ok((report, log))
}

/// Adds what a registry said; of a skill of another registry it can only say that its bytes were taken down.
fn add(document: &mut Audit, client: &Client, report: AuditReport, log: Option<WatchReport>) {
    for Audited { installed, findings } in report.skills {
        let findings = findings.iter().map(|finding| finding_document(finding, &installed.skill));
        if let Some(skill) = document.skills.iter_mut().find(|skill| skill.skill == installed.skill) {
            skill.findings.extend(findings);
        }
    }
    document.registries.push(AuditedRegistry {
        registry: client.registry().url().to_string(),
        origin: client.registry().origin().clone(),
        list_issued: report.list_issued,
        outage: report.outage.map(|error| error.to_string()),
        log: log.map(|report| AuditedLog {
            from: report.from,
            to: report.to,
            findings: report.findings.iter().map(log_finding).collect(),
        }),
    });
}

fn finding_document(finding: &Finding, skill: &SkillId) -> AuditFinding {
    AuditFinding {
        code: finding.code(),
        severity: match finding.severity() {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Refusal => "refuse",
        },
        message: words(finding),
        hint: finding.hint(skill),
    }
}

fn words(finding: &Finding) -> String {
    match finding {
        Finding::TakenDown { reason, .. } => format!("it was taken down: {}", one_line(reason)),
        Finding::TakenDownElsewhere { reason } => {
            format!("its bytes were taken down at another registry: {}", one_line(reason))
        }
        Finding::Yanked { reason, .. } => format!("its publisher yanked it: {}", one_line(reason)),
        Finding::SignerRevoked { key, reason, .. } => {
            format!("the key that signed it, {key}, was revoked later: {}", one_line(reason))
        }
        Finding::Newer { version, .. } => format!("there is a newer version, {version}"),
        Finding::NotReleased => "its publisher's history does not have it".to_owned(),
        Finding::OtherArchive { released } => {
            format!("its publisher released that version with other content, {released}")
        }
        Finding::Unknown { message, .. } => {
            format!("its publisher's history could not be checked: {}", one_line(message))
        }
        other => other.code().to_owned(),
    }
}

fn log_finding(finding: &WatchFinding) -> AuditFinding {
    let message = match finding {
        WatchFinding::HistoryWithheld { publisher, logged } => {
            format!("the log has {logged} events of {publisher}, and the registry serves fewer")
        }
        WatchFinding::NotInLog { publisher, served, logged } => {
            format!("the registry served {served} events of {publisher}, and the log has {logged}")
        }
        WatchFinding::BadEvent { log_index, publisher, message } => {
            format!("entry {log_index} claims to be of {publisher} and is not: {}", one_line(message))
        }
        WatchFinding::TakedownWithheld { log_index, skill } => {
            format!("entry {log_index} takes {skill} down, and the list that is served does not")
        }
        WatchFinding::RootWithheld { log_index, fingerprint } => {
            format!("entry {log_index} is the root {fingerprint}, which is not served")
        }
        WatchFinding::UnknownEntry { log_index, message } => {
            format!("entry {log_index} is none of a registry: {}", one_line(message))
        }
        other => other.code().to_owned(),
    };
    AuditFinding { code: finding.code(), severity: "warning", message, hint: None }
}

fn tell(document: &Audit, knows_none: bool, output: &Output) -> Result<()> {
    if output.is_json() {
        return output.document(document);
    }
    for skill in &document.skills {
        let well = format!("  {}", good("nothing known against it"));
        let state = if skill.findings.is_empty() { well } else { String::new() };
        output.line(format_args!("{} {}{state}", skill.skill, skill.version));
        for finding in &skill.findings {
            let mark = match finding.severity {
                "refuse" => bad("refused"),
                "warning" => warning("warning"),
                _ => dim("note"),
            };
            output.line(format_args!("  {mark}  {}", finding.message));
            if let Some(hint) = &finding.hint {
                output.line(format_args!("    {}", dim(hint)));
            }
        }
    }
    if knows_none {
        output.note("no registry is known: openclaw registry login --registry https://…");
    }
    for registry in &document.registries {
        match (&registry.outage, &registry.list_issued) {
            (Some(outage), Some(issued)) => output.warn(format_args!(
                "{} could not be asked ({outage}); the list of takedowns is of {issued}",
                registry.registry
            )),
            (Some(outage), None) => {
                output.warn(format_args!("{} could not be asked: {outage}", registry.registry));
            }
            (None, _) => output.note(format_args!("asked {}", registry.registry)),
        }
        if let Some(log) = &registry.log {
            let what = match log.to.checked_sub(1) {
                Some(last) if log.from < log.to => format!("entries {} to {last} read", log.from),
                _ => "nothing new".to_owned(),
            };
            output.line(format_args!("the log of {}: {what}", registry.registry));
            for finding in &log.findings {
                output.line(format_args!("  {}  {}", warning("warning"), finding.message));
            }
        }
    }
    Ok(())
}

/// Refused where something must not run, or a log does not agree with what is served; an outage where no registry
/// could be asked.
fn exit(document: &Audit) -> Exit {
    let Audit { skills, registries } = document;
    let refused = skills.iter().flat_map(|skill| &skill.findings).any(|finding| finding.severity == "refuse");
    let disagrees =
        registries.iter().filter_map(|registry| registry.log.as_ref()).any(|log| !log.findings.is_empty());
    let silent = !registries.is_empty() && registries.iter().all(|registry| registry.outage.is_some());
    match (refused || disagrees, silent) {
        (true, _) => Exit::Refused,
        (false, true) => Exit::Registry,
        (false, false) => Exit::Ok,
    }
}
