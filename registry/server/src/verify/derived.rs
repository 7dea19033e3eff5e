//! What follows from the log in other tables: histories, releases, indexes, search; compared, and repaired if asked.

use std::collections::BTreeMap;

use jiff::Timestamp;
use openclaw_package::SkillId;
use openclaw_package::registry::{IndexLine, Takedowns, Visibility};
use semver::Version;
use sqlx::AnyConnection;

use super::replay::{Change, Replay};
use super::{Mode, Report};
use crate::error::Result;
use crate::store::releases::Release;
use crate::store::skills::Skill;
use crate::store::{accounts, log, releases, search, signed, skills, takedowns, unsigned};

pub(super) async fn check(
    connection: &mut AnyConnection,
    replay: &Replay,
    mode: Mode,
    report: &mut Report,
) -> Result<()> {
    roots(connection, replay, report).await?;
    histories(connection, replay, mode, report).await?;
    takedown_rows(connection, replay, report).await?;
    let mut found = 0;
    let mut after = None;
    loop {
        let some = skills::all(connection, after, 256).await?;
        let Some(last) = some.last() else { break };
        after = Some(last.id);
        for skill in &some {
            found += 1;
            match replay.changes.get(&skill.skill) {
                Some(changes) => check_skill(connection, skill, changes, mode, report).await?,
                None => report.problem(skill.skill.as_str(), "no release of it stands in the log"),
            }
        }
    }
    report.checked.skills = found;
    if found != replay.changes.len() as u64 {
        for skill in replay.changes.keys() {
            if skills::find(connection, skill).await?.is_none() {
                report.problem(skill.as_str(), "its releases stand in the log, and it is not registered");
            }
        }
    }
    searchable(connection, report).await
}

async fn roots(connection: &mut AnyConnection, replay: &Replay, report: &mut Report) -> Result<()> {
    let rows: Vec<(i64, String)> =
        sqlx::query_as("SELECT log_index, fingerprint FROM roots ORDER BY version")
            .fetch_all(&mut *connection)
            .await?;
    let expected: Vec<(i64, String)> =
        replay.roots.iter().map(|(index, root)| (signed(*index), root.fingerprint().to_string())).collect();
    if rows != expected || log::roots(connection).await?.len() != expected.len() {
        report.problem("roots", "they are not those of the log");
    }
    Ok(())
}

async fn histories(
    connection: &mut AnyConnection,
    replay: &Replay,
    mode: Mode,
    report: &mut Report,
) -> Result<()> {
    for account in accounts::list(connection).await? {
        report.checked.publishers += 1;
        let publisher = &account.publisher;
        let place = format!("publisher {publisher}");
        let stored = accounts::existing_history(connection, publisher).await?;
        let Some((expected, places)) = replay.histories.get(publisher) else {
            if stored.length() > 0 {
                report.problem(place, "its history is not in the log");
            }
            continue;
        };
        let events = accounts::events(connection, publisher, 0, u64::MAX >> 1).await?;
        if !events.iter().map(|(index, _)| *index).eq(places.iter().copied()) {
            report.problem(place.clone(), "its events do not stand where the log has them");
        }
        if stored != *expected {
            if mode == Mode::Repair {
                accounts::advance(connection, expected, &[]).await?;
            }
            report.found(mode, place, "the state of its history is not what follows from its events");
        }
    }
    if (replay.histories.len() as u64) > report.checked.publishers {
        report.problem("publishers", "the log has histories of publishers that have no account");
    }
    Ok(())
}

async fn takedown_rows(connection: &mut AnyConnection, replay: &Replay, report: &mut Report) -> Result<()> {
    let rows = takedowns::notices(connection).await?;
    if !rows.iter().map(|(index, _)| *index).eq(replay.takedowns.iter().map(|(index, _)| *index)) {
        report.problem("takedowns", "they are not those of the log");
    }
    let Some((list, root)) = takedowns::list(connection).await?.zip(replay.root()) else {
        return Ok(());
    };
    // One that is older than the newest takedown or root is signed anew before it is served.
    if list.sequence != replay.head.takedown_sequence || list.root_version != replay.head.root_version {
        return Ok(());
    }
    let opened = Takedowns::parse_envelope(list.envelope.as_bytes())
        .map_err(|error| error.to_string())
        .and_then(|list| {
            Takedowns::verify(&list, &replay.head.origin, root.takedown_key())
                .map_err(|error| error.to_string())
        });
    match opened {
        Ok(list) if list.takedowns.iter().eq(replay.takedowns.iter().map(|(_, takedown)| takedown)) => {}
        Ok(_) => report.problem("takedowns", "the signed list has others than the log"),
        Err(error) => report.problem("takedowns", error),
    }
    Ok(())
}

/// What the log says of a version.
#[derive(Default)]
struct Expected {
    yanked: Option<String>,
    taken_down: Option<String>,
}

async fn check_skill(
    connection: &mut AnyConnection,
    skill: &Skill,
    changes: &[Change],
    mode: Mode,
    report: &mut Report,
) -> Result<()> {
    let stored = releases::list(connection, skill.id).await?;
    let rows: BTreeMap<&Version, &Release> =
        stored.iter().map(|release| (&release.version, release)).collect();
    report.checked.releases += rows.len() as u64;
    let place = skill.skill.as_str();
    let (states, body, visibility) = expect(&skill.skill, changes, &rows, report);
    if states.len() != rows.len() {
        report.problem(place, "it has other releases than the log");
    }
    if visibility != Some(skill.visibility) {
        report.problem(place, "its visibility is not that of its releases");
    }
    let mut wrong = Vec::new();
    for (version, state) in &states {
        let Some(release) = rows.get(version) else { continue };
        if release.yanked != state.yanked || release.taken_down != state.taken_down {
            wrong.push("yanks or takedowns are not those of the log");
            if mode == Mode::Repair {
                releases::set_state(connection, skill.id, version, &state.yanked, &state.taken_down).await?;
            }
        }
    }
    let index = skills::index(connection, &skill.skill, true).await?;
    if index.is_none_or(|index| index.body != body || index.etag != skills::etag(&body)) {
        wrong.push("its index is not what follows from the log");
        if mode == Mode::Repair {
            skills::set_index(connection, skill.id, &body).await?;
        }
    }
    if !is_derived(connection, skill).await? {
        wrong.push("its newest version, category or searched words are not those of its releases");
    }
    if mode == Mode::Repair && !wrong.is_empty() {
        skills::refresh(connection, skill, Timestamp::now()).await?;
    }
    for fact in wrong {
        report.found(mode, place, fact);
    }
    Ok(())
}

/// The state of each version, the index and the visibility that follow from the log.
fn expect(
    skill: &SkillId,
    changes: &[Change],
    rows: &BTreeMap<&Version, &Release>,
    report: &mut Report,
) -> (BTreeMap<Version, Expected>, String, Option<Visibility>) {
    let mut states: BTreeMap<Version, Expected> = BTreeMap::new();
    let mut archives = BTreeMap::new();
    let (mut body, mut visibility) = (String::new(), None);
    for change in changes {
        match change {
            Change::Release(index, event) => {
                visibility = Some(event.visibility);
                archives.insert(event.version.clone(), event.archive);
                states.insert(event.version.clone(), Expected::default());
                let Some(row) = rows.get(&event.version) else { continue };
                if row.archive != event.archive || row.log_index != *index {
                    let place = format!("{skill} {}", event.version);
                    report.problem(place, "archive or place in the log are not those of its event");
                }
                body.push_str(&row.index_line().to_line());
            }
            Change::Yank(version, reason) => {
                states.entry(version.clone()).or_default().yanked = Some(reason.clone());
                let line = IndexLine::Yank { version: version.clone(), reason: reason.clone() };
                body.push_str(&line.to_line());
            }
            Change::Unyank(version, reason) => {
                states.entry(version.clone()).or_default().yanked = None;
                let line = IndexLine::Unyank { version: version.clone(), reason: reason.clone() };
                body.push_str(&line.to_line());
            }
            Change::Takedown(takedown) => {
                // In the order of the log, as they were covered.
                let mut covered: Vec<&&Release> = rows
                    .values()
                    .filter(|row| archives.contains_key(&row.version))
                    .filter(|row| takedown.covers(skill, &row.version, &row.archive))
                    .collect();
                covered.sort_by_key(|row| row.log_index);
                for row in covered {
                    let state = states.entry(row.version.clone()).or_default();
                    if state.taken_down.is_none() {
                        let reason = takedown.reason.to_string();
                        state.taken_down = Some(reason.clone());
                        body.push_str(
                            &IndexLine::Takedown { version: row.version.clone(), reason }.to_line(),
                        );
                    }
                }
            }
        }
    }
    (states, body, visibility)
}

/// Whether newest version, category and searched words are those that a refresh would write.
async fn is_derived(connection: &mut AnyConnection, skill: &Skill) -> Result<bool> {
    let expected = skills::derive(connection, skill).await?;
    let (latest, category) = expected
        .as_ref()
        .map_or((None, None), |derived| (Some(&derived.release.version), derived.release.category.as_ref()));
    let words = search::stored(connection, skill.id).await?;
    Ok(skill.latest.as_ref() == latest
        && skill.category.as_ref() == category
        && words.as_ref() == expected.as_ref().map(|derived| &derived.words))
}

/// Whether as many skills can be found as there are with a version that may be chosen.
async fn searchable(connection: &mut AnyConnection, report: &mut Report) -> Result<()> {
    let (expected,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM skills WHERE latest IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if search::count(connection).await? != unsigned(expected)? {
        report.problem("search", "it has another number of skills than may be chosen");
    }
    Ok(())
}
