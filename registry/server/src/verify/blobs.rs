//! Blobs: hashed, and each package verified again exactly as when it was published; and those that nothing names.

use std::collections::BTreeSet;

use futures::StreamExt as _;
use openclaw_package::registry::api::ReleasePage;
use openclaw_package::registry::{Action, Event, Release as Released};
use openclaw_package::{Digest, Envelope, SkillId, VerifiedPackage};
use sqlx::AnyConnection;

use super::{Mode, Report};
use crate::blobs::Blobs;
use crate::error::{Fault, Result};
use crate::registry::{Registry, read_package, verify_package};
use crate::store::releases::Release;
use crate::store::skills::Skill;
use crate::store::{log, releases, skills, uploads};

/// What is shown of a release, where it is not what follows from the package.
pub(super) struct Correction {
    skill: Skill,
    page: ReleasePage,
}

impl Correction {
    /// Tells of it, changed or not.
    pub(super) fn tell(&self, mode: Mode, report: &mut Report) {
        let place = format!("{} {}", self.skill.skill, self.page.version);
        report.found(mode, place, "what is shown of it is not what follows from the package");
    }
}

/// Reads every blob that a release names, and gives the pages that are not what follows from them.
pub(super) async fn check(
    blobs: &Blobs,
    connection: &mut AnyConnection,
    report: &mut Report,
) -> Result<Vec<Correction>> {
    let (mut after, mut corrections) = (None, Vec::new());
    loop {
        let some = skills::all(connection, after, 256).await?;
        let Some(last) = some.last() else { return Ok(corrections) };
        after = Some(last.id);
        for skill in &some {
            for release in releases::list(connection, skill.id).await? {
                match check_release(blobs, connection, skill, &release, report).await? {
                    Ok(correction) => corrections.extend(correction),
                    Err(fact) => report.problem(format!("{} {}", skill.skill, release.version), fact),
                }
            }
        }
    }
}

/// Tells of wrong pages, or writes them anew.
pub(super) async fn correct(
    registry: &Registry,
    corrections: Vec<Correction>,
    mode: Mode,
    report: &mut Report,
) -> Result<()> {
    for correction in corrections {
        if mode == Mode::Repair {
            let Correction { skill, page } = &correction;
            let mut write = registry.store().write().await?;
            releases::set_page(write.connection(), skill.id, page).await?;
            skills::refresh(write.connection(), skill, jiff::Timestamp::now()).await?;
            write.commit().await?;
        }
        correction.tell(mode, report);
    }
    Ok(())
}

type Outcome<T> = std::result::Result<T, String>;

async fn check_release(
    blobs: &Blobs,
    connection: &mut AnyConnection,
    skill: &Skill,
    release: &Release,
    report: &mut Report,
) -> Result<Outcome<Option<Correction>>> {
    let (Some(archive), Some(signature)) =
        (blobs.read(&release.archive).await?, blobs.read(&release.signature).await?)
    else {
        return Ok(Err("a blob of it is missing".to_owned()));
    };
    report.checked.blobs += 2;
    if Digest::of(&signature) != release.signature || signature.len() as u64 != release.signature_size {
        return Ok(Err(format!("the blob {} has other bytes than its digest says", release.signature)));
    }
    if archive.len() as u64 != release.archive_size {
        return Ok(Err("its archive has another length than was written down".to_owned()));
    }
    let entry = log::entries(connection, release.log_index, 1).await?.pop().unwrap_or_default();
    let event = match event(&entry) {
        Ok(event) => event,
        Err(fact) => return Ok(Err(fact)),
    };
    let (id, signed) = (skill.skill.clone(), event.clone());
    let work = move || package(&id, &signed, &archive, &signature);
    let outcome = tokio::task::spawn_blocking(work).await.map_err(Fault::task)?;
    report.checked.packages += 1;
    let expected = match outcome {
        Ok(package) => read_package(&package, None).page.page(release, &event),
        Err(fact) => return Ok(Err(fact)),
    };
    let stored = releases::page(connection, skill.id, release).await;
    let same = stored.is_ok_and(|stored| {
        let now = ReleasePage { yanked: None, taken_down: None, ..stored };
        now == expected
            && release.kinds == releases::kinds(&expected.permissions)
            && release.description == expected.description
    });
    let correction = || Correction { skill: skill.clone(), page: expected };
    Ok(Ok((!same).then(correction)))
}

fn event(entry: &[u8]) -> Outcome<Released> {
    let envelope = Envelope::parse(entry).map_err(|error| error.to_string())?;
    match Event::read_unverified(&envelope).map_err(|error| error.to_string())?.action {
        Action::Release(release) => Ok(release),
        _ => Err("its place in the log has no release".to_owned()),
    }
}

/// Verifies a package as it was verified when it was published.
fn package(skill: &SkillId, event: &Released, archive: &[u8], signature: &[u8]) -> Outcome<VerifiedPackage> {
    let staging = tempfile::tempdir().map_err(|error| error.to_string())?;
    let package = verify_package(skill, event, archive, signature, staging.path());
    let package = package.map_err(|error| error.to_string())?;
    if package.statement_digest() != event.statement || package.archive_digest() != event.archive {
        return Err("the package is not the one that its event releases".to_owned());
    }
    Ok(package)
}

/// Blobs that neither a release nor an upload names.
pub(super) async fn orphans(registry: &Registry, mode: Mode, report: &mut Report) -> Result<()> {
    let now = jiff::Timestamp::now();
    let later = now.checked_add(jiff::SignedDuration::from_hours(1)).unwrap_or(now);
    let mut connection = registry.store().read().await?;
    report.pending_uploads = uploads::before(&mut connection, later).await?.len() as u64;
    let mut listed = registry.blobs().list();
    let mut orphans = BTreeSet::new();
    while let Some(blob) = listed.next().await {
        match blob?.0 {
            Ok(digest) if !uploads::is_named(&mut connection, &digest).await? => {
                orphans.insert(digest);
            }
            Ok(_) => {}
            Err(name) => report.problem(format!("blobs/{name}"), "it is no blob"),
        }
    }
    drop(connection);
    for digest in orphans {
        if mode == Mode::Repair {
            let mut write = registry.store().write().await?;
            registry.remove_unnamed(&mut write, &[digest]).await?;
            write.commit().await?;
        }
        report.found(mode, format!("blob {digest}"), "no release and no upload names it");
    }
    Ok(())
}
