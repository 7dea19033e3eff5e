//! `openclaw registry verify`: is what is installed still what was signed and logged? Asks nobody.

use openclaw_package::SkillId;
use openclaw_registry_client::{Expected, Registries, verify_offline};
use openclaw_runtime::catalog::{Catalog, Entry};
use openclaw_runtime::layout::DataDir;
use openclaw_runtime::lockfile::{Locked, Lockfile, SkillOrigin};
use openclaw_runtime::skill::Unverified;
use openclaw_runtime::trust::TrustStore;

use super::Context;
use crate::commands::installed;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::json::registry::VerifiedSkill;
use crate::output::{Output, table};
use crate::text::one_line;

/// Verifies skills.
pub(super) fn run(skills: &[SkillId], context: &Context<'_>) -> Result<Exit> {
    let dir = context.environment.data_dir()?;
    let lockfile = Lockfile::load(&dir.lockfile())?;
    let verifier = Verifier {
        trust: TrustStore::load(&dir.trust())?,
        registries: context.registries()?,
        catalog: Catalog::load(&dir)?,
        dir,
    };
    let mut verified = Vec::new();
    if skills.is_empty() {
        lockfile.iter().for_each(|(skill, locked)| verified.push(verifier.document(skill, locked)));
    }
    for skill in skills {
        let locked = lockfile.get(skill).ok_or_else(|| installed::unknown(&verifier.dir, skill))?;
        verified.push(verifier.document(skill, locked));
    }
    tell(&verified, context.output)?;
    let all_good = verified.iter().all(|skill| skill.code.is_none());
    Ok(if all_good { Exit::Ok } else { Exit::Refused })
}

struct Verifier {
    dir: DataDir,
    trust: TrustStore,
    registries: Registries,
    catalog: Catalog,
}

impl Verifier {
    fn document(&self, skill: &SkillId, locked: &Locked) -> VerifiedSkill {
        let error = self.verify(skill, locked).err();
        VerifiedSkill {
            skill: skill.clone(),
            version: locked.version.clone(),
            origin: locked.origin.to_string(),
            log_index: locked.log_index,
            status: if error.is_none() { "verified" } else { "refused" },
            code: error.as_ref().map(|error| error.code.clone()),
            reason: error.map(|error| error.message),
        }
    }

    /// Every file against the signature, the signature against the log's proof, the proof against the pinned root.
    fn verify(&self, skill: &SkillId, locked: &Locked) -> Result<()> {
        Unverified::installed(&self.dir, skill, locked).verify_full(&self.trust)?;
        if let SkillOrigin::Registry(origin) = &locked.origin {
            let known = self.registries.of_origin(origin)?.ok_or_else(|| {
                let message = format!("nothing is pinned for {origin} any more");
                CliError::new(Exit::Refused, "unknown-registry", message)
                    .hint("openclaw registry login --registry https://…")
            })?;
            let provenance = Unverified::installed(&self.dir, skill, locked).provenance()?;
            let expected = Expected {
                skill,
                version: &locked.version,
                archive: &locked.archive,
                statement: &locked.statement,
                signer: &locked.signer,
            };
            verify_offline(&provenance, &known.fingerprint(), &expected)?;
        }
        // Takedowns too: what does not load is not well.
        match self.catalog.get(skill) {
            Some(Entry::Refused(reason)) => Err(CliError::from(std::sync::Arc::clone(reason))),
            _ => Ok(()),
        }
    }
}

fn tell(verified: &[VerifiedSkill], output: &Output) -> Result<()> {
    if output.is_json() {
        return output.document(&verified);
    }
    if verified.is_empty() {
        output.note("no skill is installed");
        return Ok(());
    }
    let row = |one: &VerifiedSkill| {
        let entry = one.log_index.map(|index| index.to_string()).unwrap_or_default();
        [one.skill.to_string(), one.version.to_string(), one.status.to_owned(), one.origin.clone(), entry]
    };
    let rows: Vec<_> = verified.iter().map(row).collect();
    output.lines(table(["skill", "version", "status", "from", "log entry"], &rows));
    for one in verified {
        if let Some(reason) = &one.reason {
            output.warn(format_args!("{}: {}", one.skill, one_line(reason)));
            let again = if one.code.as_deref() == Some("taken-down") { "" } else { ", and install it again" };
            output.note(format_args!("  to put it right: openclaw remove {}{again}", one.skill));
        }
    }
    Ok(())
}
