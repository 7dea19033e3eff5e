//! Blobs: hashed, and each package verified again exactly as when it was published; and those that nothing names.

use std::collections::BTreeSet;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use futures::StreamExt as _;
use openclaw_package::registry::{Action, Event};
use openclaw_package::{Digest, Envelope, SkillId, verify_archive};
use sqlx::AnyConnection;

use super::{Mode, Report};
use crate::blobs::Blobs;
use crate::error::{Fault, Result};
use crate::registry::Registry;
use crate::store::releases::Release;
use crate::store::{log, releases, skills, uploads};

/// Reads every blob that a release names.
pub(super) async fn check(blobs: &Blobs, connection: &mut AnyConnection, report: &mut Report) -> Result<()> {
    let mut after = None;
    loop {
        let some = skills::all(connection, after, 256).await?;
        let Some(last) = some.last() else { return Ok(()) };
        after = Some(last.id);
        for skill in &some {
            for release in releases::list(connection, skill.id).await? {
                if let Err(fact) = check_release(blobs, connection, &skill.skill, &release, report).await? {
                    report.problem(format!("{} {}", skill.skill, release.version), fact);
                }
            }
        }
    }
}

type Outcome = std::result::Result<(), String>;

async fn check_release(
    blobs: &Blobs,
    connection: &mut AnyConnection,
    skill: &SkillId,
    release: &Release,
    report: &mut Report,
) -> Result<Outcome> {
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
    let event = Envelope::parse(&entry).map_err(|error| error.to_string());
    let event = event.and_then(|event| Event::read_unverified(&event).map_err(|error| error.to_string()));
    let event = match event.map(|event| event.action) {
        Ok(Action::Release(event)) => event,
        Ok(_) => return Ok(Err("its place in the log has no release".to_owned())),
        Err(error) => return Ok(Err(error)),
    };
    let (skill, version) = (skill.clone(), release.version.clone());
    let work = move || package(&skill, &version, &event, &archive, &signature);
    let outcome = tokio::task::spawn_blocking(work).await.map_err(|error| Fault::Task(error.to_string()))?;
    report.checked.packages += 1;
    Ok(outcome)
}

/// Verifies a package as it was verified when it was published.
fn package(
    skill: &SkillId,
    version: &semver::Version,
    event: &openclaw_package::registry::Release,
    archive: &[u8],
    signature: &[u8],
) -> Outcome {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let envelope = Envelope::parse(signature).map_err(|error| text(&error))?;
    let staging = tempfile::tempdir().map_err(|error| text(&error))?;
    let dir = Dir::open_ambient_dir(staging.path(), ambient_authority()).map_err(|error| text(&error))?;
    let keys = |_: &_| vec![event.signer.clone()];
    let package = verify_archive(archive, &envelope, keys, &dir, openclaw_package::Limits::DEFAULT)
        .map_err(|error| text(&error))?;
    package.expect(skill, version).map_err(|error| text(&error))?;
    if package.statement_digest() != event.statement || package.archive_digest() != event.archive {
        return Err("the package is not the one that its event releases".to_owned());
    }
    Ok(())
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
        let (place, fact) = (format!("blob {digest}"), "no release and no upload names it");
        if mode == Mode::Look {
            report.problem(place, fact);
            continue;
        }
        let mut write = registry.store().write().await?;
        registry.remove_unnamed(&mut write, &[digest]).await?;
        write.commit().await?;
        report.repaired(place, fact);
    }
    Ok(())
}
