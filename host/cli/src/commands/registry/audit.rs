//! `openclaw registry audit`: what became of the installed skills since they were installed.

use openclaw_package::SkillId;
use openclaw_registry_client::{
    AuditReport, Audited, Client, Finding, Installed, Severity, WatchFinding, WatchReport,
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
    let lockfile = Lockfile::load(&context.environment.data_dir()?.lockfile())?;
    let mut document = Audit { skills: Vec::new(), registries: Vec::new() };
    let mut refused = Vec::new();
    for known in context.registries()?.list()? {
        let client = context.client_of(known)?;
        let installed: Vec<Installed> = lockfile
            .iter()
            .filter_map(|(skill, locked)| match &locked.origin {
                SkillOrigin::Registry(origin) => Some(Installed {
                    skill: skill.clone(),
                    version: locked.version.clone(),
                    archive: locked.archive,
                    range: locked.range.clone(),
                    origin: origin.clone(),
                }),
                SkillOrigin::Local => None,
            })
            .collect();
        // A registry that is not to be believed must not hide what another one says.
        match ask(&client, &installed, arguments, context) {
            Ok((report, log)) => add(&mut document, &client, report, log),
            Err(error) => refused.push((client.registry().url().to_string(), error)),
        }
    }
    let knows_none = document.registries.is_empty() && refused.is_empty();
    tell(&document, knows_none, context.output)?;
    let Some((url, last)) = refused.pop() else { return Ok(exit(&document)) };
    for (url, error) in &refused {
        context.output.warn(format_args!("{url} was not audited: {}", one_line(&error.message)));
    }
    Err(CliError { message: format!("{url} was not audited: {}", last.message), ..last })
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
    let own = client.registry().origin();
    for Audited { installed, findings } in report.skills {
        if installed.origin != *own && findings.is_empty() {
            continue;
        }
        let findings = findings.iter().map(|finding| finding_document(finding, &installed.skill)).collect();
        let (skill, version, origin) = (installed.skill, installed.version, installed.origin.to_string());
        document.skills.push(AuditedSkill { skill, version, origin, findings });
    }
    document.registries.push(AuditedRegistry {
        registry: client.registry().url().to_string(),
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
        let state = if skill.findings.is_empty() { good("nothing known against it") } else { String::new() };
        output.line(format_args!("{} {}  {state}", skill.skill, skill.version));
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
            output.line(format_args!(
                "the log of {}: entries {} to {} read",
                registry.registry, log.from, log.to
            ));
            for finding in &log.findings {
                output.line(format_args!("  {}  {}", warning("warning"), finding.message));
            }
        }
    }
    Ok(())
}

/// Refused where something must not run, or a log does not agree with what is served.
fn exit(document: &Audit) -> Exit {
    let refused =
        document.skills.iter().flat_map(|skill| &skill.findings).any(|finding| finding.severity == "refuse");
    let disagrees = document
        .registries
        .iter()
        .filter_map(|registry| registry.log.as_ref())
        .any(|log| !log.findings.is_empty());
    if refused || disagrees { Exit::Refused } else { Exit::Ok }
}
