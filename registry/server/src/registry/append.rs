//! Events that come without an archive: keys that come and go, yanks and their withdrawal.

use jiff::Timestamp;
use openclaw_package::registry::api::Appended;
use openclaw_package::registry::{Action, Event, IndexLine};
use openclaw_package::{PublisherName, SkillId};
use semver::Version;
use sqlx::AnyConnection;

use super::upload::parse_events;
use super::{Caller, Registry};
use crate::error::{Fault, Refusal, Result};
use crate::limits::{HISTORY_RESERVE, HISTORY_SIZE};
use crate::store::skills::Skill;
use crate::store::{Write, accounts, releases, skills};
use crate::token::Scope;

impl Registry {
    /// Appends events to a publisher's history, all of them or none.
    ///
    /// # Errors
    ///
    /// Who may not; events that do not continue the history; a yank of what was never released.
    pub async fn append(
        &self,
        caller: &Caller,
        publisher: &PublisherName,
        events: &[String],
    ) -> Result<Appended> {
        caller.acts_for(publisher)?;
        let envelopes = parse_events(events)?;
        // What is claimed decides which scope is needed; the history decides whether it is true.
        for envelope in &envelopes {
            let claimed =
                Event::read_unverified(envelope).map_err(openclaw_package::registry::HistoryError::from)?;
            check_scope(caller, publisher, &claimed)?;
        }
        let (registry, publisher) = (self.clone(), publisher.clone());
        let task = tokio::spawn(async move {
            let mut write = registry.store().write().await?;
            let mut history = accounts::existing_history(write.connection(), &publisher).await?;
            let mut accepted = Vec::with_capacity(envelopes.len());
            for envelope in &envelopes {
                accepted.push(history.accept(envelope)?);
            }
            let most = if accepted.iter().all(is_withdrawal) {
                HISTORY_SIZE + HISTORY_RESERVE
            } else {
                HISTORY_SIZE
            };
            let log_indices = registry.append_events(&mut write, &history, &envelopes, most).await?;
            for event in &accepted {
                apply(&mut write, event, Timestamp::now()).await?;
            }
            let checkpoint = write.head.checkpoint.clone();
            write.commit().await?;
            Ok(Appended { log_indices, checkpoint })
        });
        task.await.map_err(Fault::task)?
    }
}

fn check_scope(caller: &Caller, publisher: &PublisherName, claimed: &Event) -> Result<()> {
    match &claimed.action {
        Action::Init { .. } | Action::Grant { .. } | Action::Revoke { .. } => caller.may_own(publisher),
        Action::Yank { name, .. } | Action::Unyank { name, .. } => {
            caller.may(Scope::Yank, &SkillId::new(publisher.clone(), name.clone()))
        }
        _ => {
            let fact = "a release is published together with its archive";
            Err(Refusal::package("invalid-events", fact, "PUT it to /api/v1/skills/<skill>/<version>").into())
        }
    }
}

/// Whether an event is one that a publisher must be able to add whatever was added before.
fn is_withdrawal(event: &Event) -> bool {
    matches!(event.action, Action::Grant { .. } | Action::Revoke { .. } | Action::Yank { .. })
}

/// What an event changes beside the history.
async fn apply(write: &mut Write, event: &Event, now: Timestamp) -> Result<()> {
    let Some(id) = event.skill() else { return Ok(()) };
    let connection = write.connection();
    let (version, yanked, line) = match &event.action {
        Action::Yank { version, reason, .. } => {
            let line = IndexLine::Yank { version: version.clone(), reason: reason.to_string() };
            (version, Some(reason.as_str()), line)
        }
        Action::Unyank { version, reason, .. } => {
            let line = IndexLine::Unyank { version: version.clone(), reason: reason.to_string() };
            (version, None, line)
        }
        _ => return Ok(()),
    };
    let skill = released(connection, &id, version, yanked.is_none()).await?;
    releases::set_yanked(connection, skill.id, version, yanked).await?;
    skills::append_index(connection, &skill, &line).await?;
    skills::refresh(connection, &skill, now).await
}

/// The skill whose version is yanked, or is not.
async fn released(
    connection: &mut AnyConnection,
    id: &SkillId,
    version: &Version,
    yanked: bool,
) -> Result<Skill> {
    let missing = || Refusal::NotFound(format!("version {version} of {id}"));
    let skill = skills::find(connection, id).await?.ok_or_else(missing)?;
    let release = releases::find(connection, skill.id, version).await?.ok_or_else(missing)?;
    if release.yanked.is_some() == yanked {
        return Ok(skill);
    }
    let state = if yanked { "not yanked" } else { "yanked already" };
    Err(Refusal::YankState(id.clone(), version.clone(), state).into())
}
