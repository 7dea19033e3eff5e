//! Takedowns: what an operator withdraws from everybody, and the signed list that says so.

use jiff::{SignedDuration, Timestamp};
use openclaw_package::registry::{IndexLine, Takedown, TakedownNotice, Takedowns};
use openclaw_package::{Digest, SigningKey, SkillId};
use semver::Version;
use sqlx::AnyConnection;

use super::{Authority, Registry};
use crate::error::{Error, Fault, Refusal, Result};
use crate::keys::Purpose;
use crate::store::skills::Skill;
use crate::store::takedowns::{self, SignedList};
use crate::store::{Head, Write, releases, skills, whole_seconds};

/// How long a signed list counts as fresh.
const LIST_LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);

/// After how long it is signed anew.
const LIST_AGE: SignedDuration = SignedDuration::from_hours(24);

impl Registry {
    /// Takes something down: at once for every page and blob here, and for all clients with the next list.
    ///
    /// Gives the place of the notice in the log and the releases that it covers.
    ///
    /// # Errors
    ///
    /// [`Refusal::Operator`] where there is no such skill or version, or it was taken down before.
    pub async fn take_down(&self, takedown: Takedown) -> Result<(u64, Vec<String>)> {
        let mut write = self.store().write().await?;
        let authority = self.authority_of(&mut write).await?;
        let mut all = check_takedown(write.connection(), &takedown, &authority).await?;
        let covered = covered(write.connection(), &takedown).await?;
        let key = self.keys().find(Purpose::Takedown, authority.root.root().takedown_key())?;
        let now = Timestamp::now();
        write.head.takedown_sequence = write.head.takedown_sequence.saturating_add(1);
        let sequence = write.head.takedown_sequence;
        let notice = TakedownNotice { origin: write.head.origin.clone(), sequence, time: now, takedown };
        let indices = write.append(&[notice.sign(&key).to_json()], &authority.log_key).await?;
        let index = indices.first().copied().unwrap_or_default();
        takedowns::insert(write.connection(), sequence, index).await?;
        let reason = notice.takedown.reason.as_str();
        let mut names = Vec::new();
        for (skill, version) in &covered {
            let connection = write.connection();
            releases::set_taken_down(connection, skill.id, version, reason).await?;
            let line = IndexLine::Takedown { version: version.clone(), reason: reason.to_owned() };
            skills::append_index(connection, skill, &line).await?;
            skills::refresh(connection, skill, now).await?;
            names.push(format!("{} {version}", skill.skill));
        }
        let head = write.head.clone();
        all.push(notice.takedown);
        sign_list(write.connection(), &head, all, &key, now).await?;
        write.commit().await?;
        Ok((index, names))
    }

    /// The list of takedowns as it is served, signed anew where the last copy is a day old.
    ///
    /// # Errors
    ///
    /// A failing database, a missing key.
    pub async fn takedowns(&self) -> Result<String> {
        let now = Timestamp::now();
        let mut connection = self.store().read().await?;
        let head = crate::store::read_head(&mut connection).await?;
        if let Some(list) = takedowns::list(&mut connection).await?
            && is_fresh(&list, &head, now)
        {
            return Ok(list.envelope);
        }
        drop(connection);
        let mut write = self.store().write().await?;
        let head = write.head.clone();
        // Many ask at once, and one of them is enough.
        if let Some(list) = takedowns::list(write.connection()).await?
            && is_fresh(&list, &head, now)
        {
            return Ok(list.envelope);
        }
        let authority = self.authority_of(&mut write).await?;
        let key = self.keys().find(Purpose::Takedown, authority.root.root().takedown_key())?;
        let all = authority.takedowns(write.connection()).await?;
        let list = sign_list(write.connection(), &head, all, &key, now).await?;
        write.commit().await?;
        Ok(list.envelope)
    }

    pub(super) async fn authority_of(&self, write: &mut Write) -> Result<std::sync::Arc<Authority>> {
        let version = write.head.root_version;
        self.authority(write.connection(), version).await
    }
}

impl Authority {
    /// All that was taken down, oldest first.
    async fn takedowns(&self, connection: &mut AnyConnection) -> Result<Vec<Takedown>> {
        takedowns::all(connection, self.root.root().origin(), &self.roots).await
    }
}

fn is_fresh(list: &SignedList, head: &Head, now: Timestamp) -> bool {
    list.sequence == head.takedown_sequence
        && list.root_version == head.root_version
        && now.duration_since(list.issued) < LIST_AGE
}

/// Signs the list of all takedowns and keeps it.
async fn sign_list(
    connection: &mut AnyConnection,
    head: &Head,
    all: Vec<Takedown>,
    key: &SigningKey,
    now: Timestamp,
) -> Result<SignedList> {
    let issued = whole_seconds(now);
    let list = Takedowns {
        origin: head.origin.clone(),
        sequence: head.takedown_sequence,
        issued,
        expires: issued.checked_add(LIST_LIFETIME).map_err(|error| Fault::Usage(error.to_string()))?,
        takedowns: all,
    };
    let envelope = String::from_utf8_lossy(&list.sign(key).to_json()).into_owned();
    let signed = SignedList { sequence: list.sequence, issued, root_version: head.root_version, envelope };
    takedowns::set_list(connection, &signed).await?;
    Ok(signed)
}

/// Refuses a takedown that says nothing new, or whose parts do not belong together. Gives all that was taken down before.
async fn check_takedown(
    connection: &mut AnyConnection,
    takedown: &Takedown,
    authority: &Authority,
) -> Result<Vec<Takedown>> {
    let before = authority.takedowns(connection).await?;
    let Takedown { skill, version, archive, .. } = takedown;
    let refuse = |fact: String| {
        Err(Refusal::operator("taken-down", fact, "a takedown is final, and there is nothing left to do")
            .into())
    };
    match (version, archive) {
        (_, Some(archive)) if before.iter().any(|earlier| earlier.covers_archive(archive)) => {
            return refuse(format!("the archive {archive} was taken down already"));
        }
        (None, None) if before.iter().any(|earlier| is_whole(earlier, skill)) => {
            return refuse(format!("{skill} was taken down already"));
        }
        _ => {}
    }
    let found = skills::find(connection, skill).await?;
    if found.is_none() && archive.is_none() {
        let hint = "check the spelling; `openclaw registry admin publisher list` shows the publishers";
        return Err(Refusal::operator("not-found", format!("there is no skill {skill}"), hint).into());
    }
    if let (Some(found), Some(version)) = (&found, version) {
        match releases::find(connection, found.id, version).await? {
            Some(release) if release.taken_down.is_some() && archive.is_none() => {
                return refuse(format!("{skill} {version} was taken down already"));
            }
            None if archive.is_none() => {
                return Err(no_version(connection, found, version).await?);
            }
            _ => {}
        }
    }
    if let Some(archive) = archive {
        check_archive(connection, archive, skill).await?;
    }
    Ok(before)
}

/// Whether a takedown is of all of a skill.
fn is_whole(takedown: &Takedown, skill: &SkillId) -> bool {
    takedown.skill == *skill && takedown.version.is_none() && takedown.archive.is_none()
}

/// That a skill does not have a version, with those that it has.
async fn no_version(connection: &mut AnyConnection, skill: &Skill, version: &Version) -> Result<Error> {
    /// The most versions that are named.
    const MOST: usize = 10;
    let releases = releases::list(connection, skill.id).await?;
    let newest = releases.iter().rev().take(MOST).map(|release| release.version.to_string());
    let shown = newest.collect::<Vec<_>>().join(", ");
    let more = if releases.len() > MOST { ", and older ones" } else { "" };
    let fact = format!("there is no version {version} of {}", skill.skill);
    Ok(Refusal::operator("not-found", fact, format!("its versions are {shown}{more}")).into())
}

/// Bytes that were published are those of the skill that is named, if not of others too.
async fn check_archive(connection: &mut AnyConnection, archive: &Digest, skill: &SkillId) -> Result<()> {
    let mut owners = Vec::new();
    for (id, version) in releases::with_archive(connection, archive).await? {
        if let Some(owner) = skills::by_row(connection, id).await? {
            owners.push((owner.skill, version));
        }
    }
    match owners.first() {
        Some((owner, version)) if !owners.iter().any(|(owner, _)| owner == skill) => {
            let fact = format!("the archive {archive} is that of {owner} {version}, and not of {skill}");
            Err(Refusal::operator("identity-mismatch", fact, format!("name {owner}")).into())
        }
        _ => Ok(()),
    }
}

/// The releases that a takedown covers and no earlier one did.
async fn covered(connection: &mut AnyConnection, takedown: &Takedown) -> Result<Vec<(Skill, Version)>> {
    let mut covered = Vec::new();
    let named = skills::find(connection, &takedown.skill).await?;
    let by_name = takedown.version.is_some() || takedown.archive.is_none();
    if let Some(skill) = named.filter(|_| by_name) {
        for release in releases::list(connection, skill.id).await? {
            let wanted = takedown.version.as_ref().is_none_or(|version| *version == release.version);
            if wanted && release.taken_down.is_none() {
                covered.push((skill.clone(), release.version));
            }
        }
    }
    if let Some(archive) = &takedown.archive {
        for (id, version) in releases::with_archive(connection, archive).await? {
            let Some(skill) = skills::by_row(connection, id).await? else { continue };
            let release = releases::find(connection, id, &version).await?;
            let known = covered.iter().any(|(other, same)| other.id == id && *same == version);
            if !known && release.is_some_and(|release| release.taken_down.is_none()) {
                covered.push((skill, version));
            }
        }
    }
    Ok(covered)
}

/// Why a release cannot be published or shown, if a takedown covers it.
pub(super) async fn reason_against(
    connection: &mut AnyConnection,
    authority: &Authority,
    (skill, version, archive): (&SkillId, &Version, &Digest),
) -> Result<Option<String>> {
    let takedowns = authority.takedowns(connection).await?;
    let covering = takedowns.iter().find(|takedown| takedown.covers(skill, version, archive));
    Ok(covering.map(|takedown| takedown.reason.to_string()))
}
