//! Publishing: first everything is checked, then the blobs are put, then one transaction makes it so.

use std::collections::BTreeSet;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use openclaw_package::log::MAX_ENTRY_SIZE;
use openclaw_package::registry::api::Appended;
use openclaw_package::registry::{Action, History, HistoryError, Release, Visibility};
use openclaw_package::{Envelope, SkillId, SkillName};
use semver::Version;
use sqlx::AnyConnection;

use super::tokens::random_id;
use super::upload::{Checked, Claim, Upload, parse_events, verify};
use super::{Caller, Registry, takedown};
use crate::error::{Fault, Refusal, Result};
use crate::limits::HISTORY_SIZE;
use crate::store::skills::Skill;
use crate::store::uploads::{self, Upload as Pending};
use crate::store::{Write, accounts, read_head, releases, skills, tokens, whole_seconds};
use crate::token::Scope;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// All that the transaction needs.
struct Ready {
    token: String,
    skill: SkillId,
    version: Version,
    claim: Claim,
    checked: Checked,
    pending: Pending,
    archive_size: u64,
    signature_size: u64,
    takedowns_seen: u64,
}

impl Registry {
    /// Refuses what could not be published, before its bytes are received.
    ///
    /// # Errors
    ///
    /// Who may not, what is there already, too much in too little time.
    pub async fn check_upload(&self, caller: &Caller, skill: &SkillId, version: &Version) -> Result<()> {
        let token = caller.acts_for(skill.publisher())?;
        if !version.build.is_empty() {
            return Err(HistoryError::BuildMetadata(version.clone()).into());
        }
        let mut connection = self.store().read().await?;
        let found = skills::find(&mut connection, skill).await?;
        caller.may(scope_for(found.as_ref()), skill)?;
        if let Some(found) = &found
            && releases::find(&mut connection, found.id, version).await?.is_some()
        {
            return Err(Refusal::VersionExists(skill.clone(), version.clone()).into());
        }
        let now = Timestamp::now();
        let uploads = uploads::counted(&mut connection, &token.publisher, now).await?;
        self.check_uploads(uploads)?;
        if found.is_none() {
            self.check_new_name(&mut connection, skill, now).await?;
        }
        Ok(())
    }

    fn check_uploads(&self, before: u64) -> Result<()> {
        if before < u64::from(self.limits().uploads_per_hour) {
            return Ok(());
        }
        Err(Refusal::RateLimited("to upload in this hour", HOUR.unsigned_abs()).into())
    }

    async fn check_new_name(
        &self,
        connection: &mut AnyConnection,
        skill: &SkillId,
        now: Timestamp,
    ) -> Result<()> {
        let since = now.checked_sub(DAY).unwrap_or(Timestamp::UNIX_EPOCH);
        let names = skills::count_since(connection, skill.publisher(), since).await?;
        if names >= u64::from(self.limits().new_names_per_day) {
            return Err(Refusal::RateLimited("for new names in this day", DAY.unsigned_abs()).into());
        }
        Ok(())
    }

    /// Publishes a version: all of it, or nothing.
    ///
    /// # Errors
    ///
    /// Whatever a client would refuse; what stands there already; a history that moved on meanwhile.
    pub async fn publish(&self, caller: &Caller, upload: Upload) -> Result<Appended> {
        self.check_upload(caller, &upload.skill, &upload.version).await?;
        let claim = self.claim(&upload).await?;
        let (upload, claim, checked, archive) = unpack(upload, claim).await?;
        let takedowns_seen = self.check_takedowns(&upload, &claim.release).await?;
        let pending = Pending {
            id: random_id()?,
            archive: claim.release.archive,
            signature: openclaw_package::Digest::of(&upload.signature),
        };
        let ready = Ready {
            token: caller.token()?.id.clone(),
            skill: upload.skill,
            version: upload.version,
            claim,
            checked,
            pending,
            archive_size: archive.len() as u64,
            signature_size: upload.signature.len() as u64,
            takedowns_seen,
        };
        // From here on nothing is given up because a client went away.
        let (registry, signature) = (self.clone(), upload.signature);
        let task = tokio::spawn(async move { registry.store_upload(ready, archive, signature).await });
        task.await.map_err(Fault::task)?
    }

    /// What an upload says of itself, as far as it fits the request and the history as it is now.
    async fn claim(&self, upload: &Upload) -> Result<Claim> {
        let events = parse_events(&upload.publication.events)?;
        let category = upload.publication.category.as_deref().map(str::parse::<SkillName>).transpose()?;
        let mut connection = self.store().read().await?;
        let history = accounts::existing_history(&mut connection, upload.skill.publisher()).await?;
        let (_, release) = continue_history(history, &events, &upload.skill, &upload.version)?;
        if release.visibility != upload.publication.visibility {
            let fact = "the visibility is another one in the release's event".to_owned();
            let hint = "sign the event with the visibility that you ask for";
            return Err(Refusal::package("identity-mismatch", fact, hint).into());
        }
        Ok(Claim { events, release, category })
    }

    /// Refuses what was taken down, and says how many takedowns were looked at.
    async fn check_takedowns(&self, upload: &Upload, release: &Release) -> Result<u64> {
        let mut connection = self.store().read().await?;
        let head = read_head(&mut connection).await?;
        let authority = self.authority(&mut connection, head.root_version).await?;
        let subject = (&upload.skill, &upload.version, &release.archive);
        match takedown::reason_against(&mut connection, &authority, subject).await? {
            Some(reason) => Err(Refusal::TakenDown(reason).into()),
            None => Ok(head.takedown_sequence),
        }
    }

    async fn store_upload(&self, ready: Ready, archive: Bytes, signature: Bytes) -> Result<Appended> {
        let now = Timestamp::now();
        let mut write = self.store().write().await?;
        // Counted behind the lock, so that many at once are not each the last that is allowed.
        let uploads = uploads::count(write.connection(), ready.skill.publisher(), now).await?;
        self.check_uploads(uploads.saturating_sub(1))?;
        uploads::insert(write.connection(), &ready.pending, now).await?;
        write.commit().await?;
        let pending = ready.pending.clone();
        let done = self.put_and_record(ready, archive, signature).await;
        if done.is_err() {
            // What stays behind now is swept at the next start.
            if let Err(error) = self.drop_upload(&pending).await {
                tracing::warn!(error = %error, "an upload that was refused could not be removed");
            }
        }
        done
    }

    async fn put_and_record(&self, ready: Ready, archive: Bytes, signature: Bytes) -> Result<Appended> {
        // Each waits for the disk; together they wait once.
        let blobs = self.blobs();
        tokio::try_join!(
            blobs.put(&ready.pending.archive, archive),
            blobs.put(&ready.pending.signature, signature)
        )?;
        let mut write = self.store().write().await?;
        let appended = self.record(&mut write, ready, Timestamp::now()).await?;
        write.commit().await?;
        Ok(appended)
    }

    /// The transaction: all that was checked before is checked again, now that nobody else can write.
    async fn record(&self, write: &mut Write, ready: Ready, now: Timestamp) -> Result<Appended> {
        let Ready { skill, version, claim, .. } = &ready;
        if !uploads::remove(write.connection(), &ready.pending.id).await? {
            return Err(Refusal::TooSlow.into());
        }
        let found = skills::find(write.connection(), skill).await?;
        let caller = Caller::with(tokens::find_by_id(write.connection(), &ready.token, now).await?);
        caller.may(scope_for(found.as_ref()), skill)?;
        if let Some(found) = &found {
            check_existing(write.connection(), found, version, claim.release.visibility).await?;
        } else {
            self.check_new_name(write.connection(), skill, now).await?;
        }
        if write.head.takedown_sequence != ready.takedowns_seen {
            let authority = self.authority_of(write).await?;
            let subject = (skill, version, &claim.release.archive);
            if let Some(reason) = takedown::reason_against(write.connection(), &authority, subject).await? {
                return Err(Refusal::TakenDown(reason).into());
            }
        }
        let history = accounts::existing_history(write.connection(), skill.publisher()).await?;
        let (history, release) = continue_history(history, &claim.events, skill, version)?;
        let log_indices = self.append_events(write, &history, &claim.events, HISTORY_SIZE).await?;
        let log_index = log_indices.last().copied().unwrap_or_default();
        let skill = match found {
            Some(found) => found,
            None => register(write.connection(), log_index, skill, release.visibility, now).await?,
        };
        insert_release(write.connection(), &skill, ready, &release, (log_index, now)).await?;
        Ok(Appended { log_indices, checkpoint: write.head.checkpoint.clone() })
    }

    /// Appends events to the log and to the history that accepted them, which has so many bytes then at most.
    pub(crate) async fn append_events(
        &self,
        write: &mut Write,
        history: &History,
        events: &[Envelope],
        most: u64,
    ) -> Result<Vec<u64>> {
        /// What stands around an event in a provenance, in bytes.
        const AROUND: u64 = 128;
        let authority = self.authority_of(write).await?;
        let entries: Vec<Vec<u8>> = events.iter().map(Envelope::to_json).collect();
        // A history this short is not too large whatever its events are.
        if history.length().saturating_mul(MAX_ENTRY_SIZE as u64 + AROUND) > most {
            let before = accounts::history_size(write.connection(), history.publisher()).await?;
            let new: u64 = entries.iter().map(|entry| entry.len() as u64).sum();
            if before.saturating_add(new).saturating_add(history.length().saturating_mul(AROUND)) > most {
                return Err(Refusal::HistoryFull(history.publisher().clone()).into());
            }
        }
        let indices = write.append(&entries, &authority.log_key).await?;
        accounts::advance(write.connection(), history, &indices).await?;
        Ok(indices)
    }

    async fn drop_upload(&self, pending: &Pending) -> Result<()> {
        let mut write = self.store().write().await?;
        uploads::remove(write.connection(), &pending.id).await?;
        self.remove_unnamed(&mut write, &[pending.archive, pending.signature]).await?;
        write.commit().await
    }

    /// Removes those of some blobs that nothing names. Who puts one has named it first, and waits for this.
    pub(crate) async fn remove_unnamed(
        &self,
        write: &mut Write,
        blobs: &[openclaw_package::Digest],
    ) -> Result<u64> {
        let mut removed = 0;
        for digest in BTreeSet::from_iter(blobs) {
            if !uploads::is_named(write.connection(), digest).await? {
                self.blobs().remove(digest).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

fn scope_for(found: Option<&Skill>) -> Scope {
    if found.is_some() { Scope::PublishUpdate } else { Scope::PublishNew }
}

async fn unpack(upload: Upload, claim: Claim) -> Result<(Upload, Claim, Checked, Bytes)> {
    let work = move || {
        let (checked, archive) = verify(&upload, &claim)?;
        Ok((upload, claim, checked, archive))
    };
    tokio::task::spawn_blocking(work).await.map_err(Fault::task)?
}

/// The history after `init`, where it is the first event, and the release, which is the last.
fn continue_history(
    mut history: History,
    events: &[Envelope],
    skill: &SkillId,
    version: &Version,
) -> Result<(History, Release)> {
    let refuse = |fact: &str| {
        let hint = "send `init` where the publisher has no history yet, and the release";
        Err(Refusal::package("invalid-events", fact, hint).into())
    };
    let mut found = None;
    for envelope in events {
        let event = history.accept(envelope)?;
        match event.action {
            Action::Init { .. } => {}
            Action::Release(release) if found.is_none() => found = Some(release),
            _ => return refuse("what is published are the events `init` and one `release`"),
        }
    }
    match found {
        None => refuse("there is no release among the events"),
        Some(release) if release.name != *skill.name() || release.version != *version => {
            refuse("the release's event is of another skill or version than the request")
        }
        Some(release) => Ok((history, release)),
    }
}

async fn check_existing(
    connection: &mut AnyConnection,
    found: &Skill,
    version: &Version,
    visibility: Visibility,
) -> Result<()> {
    if releases::find(connection, found.id, version).await?.is_some() {
        return Err(Refusal::VersionExists(found.skill.clone(), version.clone()).into());
    }
    match (found.visibility, visibility) {
        (Visibility::Public, Visibility::Private) => {
            Err(Refusal::VisibilityNarrowed(found.skill.clone()).into())
        }
        (Visibility::Private, Visibility::Public) => skills::make_public(connection, found.id).await,
        _ => Ok(()),
    }
}

async fn register(
    connection: &mut AnyConnection,
    id: u64,
    skill: &SkillId,
    visibility: Visibility,
    now: Timestamp,
) -> Result<Skill> {
    skills::insert(connection, id, skill, visibility, now).await?;
    Ok(Skill { id, skill: skill.clone(), visibility, category: None, latest: None })
}

async fn insert_release(
    connection: &mut AnyConnection,
    skill: &Skill,
    ready: Ready,
    event: &Release,
    (log_index, now): (u64, Timestamp),
) -> Result<()> {
    // Who says nothing of the category does not mean to change it.
    let category = match ready.checked.category {
        None => releases::last_category(connection, skill.id).await?,
        given => given,
    };
    let release = releases::Release {
        version: ready.version,
        archive: ready.pending.archive,
        archive_size: ready.archive_size,
        signature: ready.pending.signature,
        signature_size: ready.signature_size,
        log_index,
        published: whole_seconds(now),
        category,
        yanked: None,
        taken_down: None,
        kinds: releases::kinds(&ready.checked.page.permissions),
        description: ready.checked.page.description.clone(),
    };
    let page = ready.checked.page.page(&release, event);
    releases::insert(connection, skill.id, &release, &page).await?;
    skills::append_index(connection, skill, &release.index_line()).await?;
    skills::refresh(connection, skill, now).await
}
