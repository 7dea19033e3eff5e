//! What is shown of skills and publishers: what a skill asks for first.

use openclaw_package::registry::api::{
    Category, PublisherPage, ReleasePage, SearchResults, SkillPage, VersionLine,
};
use openclaw_package::{PublisherName, SkillId};
use semver::Version;
use sqlx::AnyConnection;

use super::{Caller, Registry};
use crate::error::{Refusal, Result};
use crate::store::releases::Release;
use crate::store::skills::{Skill, StoredIndex};
use crate::store::{accounts, releases, search, skills};

impl Registry {
    /// Skills that match, best first.
    ///
    /// # Errors
    ///
    /// A failing database.
    pub async fn search(&self, query: &search::Query) -> Result<SearchResults> {
        let more = search::Query { limit: query.limit.saturating_add(1), ..query.clone() };
        let dialect = self.store().dialect();
        let mut results = search::find(&mut *self.store().read().await?, dialect, &more).await?;
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let next = (results.len() > limit).then(|| query.offset.saturating_add(query.limit));
        results.truncate(limit);
        Ok(SearchResults { results, next })
    }

    /// The public categories.
    ///
    /// # Errors
    ///
    /// A failing database.
    pub async fn categories(&self) -> Result<Vec<Category>> {
        let found = skills::categories(&mut *self.store().read().await?).await?;
        Ok(found.into_iter().map(|(category, skills)| Category { category, skills }).collect())
    }

    /// The index of a skill that the caller may see, with its body or only its tag.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotFound`].
    pub async fn index(&self, caller: &Caller, skill: &SkillId, with_body: bool) -> Result<StoredIndex> {
        let found = skills::index(&mut *self.store().read().await?, skill, with_body).await?;
        let found = found.filter(|index| caller.sees(skill.publisher(), index.visibility));
        found.ok_or_else(|| missing(skill).into())
    }

    /// A skill: its versions, and the newest that may be chosen in full.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotFound`].
    pub async fn skill_page(&self, caller: &Caller, id: &SkillId) -> Result<SkillPage> {
        let mut connection = self.store().read().await?;
        let skill = visible(&mut connection, caller, id).await?;
        let mut all = releases::list(&mut connection, skill.id).await?;
        all.sort_by(|one, next| next.version.cmp(&one.version));
        let newest = skills::newest(all.iter().map(|release| &release.version));
        let shown = skill.latest.as_ref().or(newest).cloned();
        let shown = all.iter().find(|release| Some(&release.version) == shown.as_ref());
        let release = shown.ok_or_else(|| missing(id))?;
        let release = without_taken_down(releases::page(&mut connection, skill.id, release).await?);
        let versions = all.into_iter().map(line).collect();
        Ok(SkillPage {
            skill: skill.skill,
            visibility: skill.visibility,
            category: skill.category,
            release,
            versions,
        })
    }

    /// A version in full.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotFound`].
    pub async fn release_page(
        &self,
        caller: &Caller,
        id: &SkillId,
        version: &Version,
    ) -> Result<ReleasePage> {
        let mut connection = self.store().read().await?;
        let (skill, release) = visible_release(&mut connection, caller, id, version).await?;
        Ok(without_taken_down(releases::page(&mut connection, skill.id, &release).await?))
    }

    /// A publisher, with those of its skills that the caller may see.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotFound`].
    pub async fn publisher_page(&self, caller: &Caller, publisher: &PublisherName) -> Result<PublisherPage> {
        let mut connection = self.store().read().await?;
        let history = accounts::existing_history(&mut connection, publisher).await?;
        let skills = skills::of_publisher(&mut connection, publisher).await?;
        let skills = skills.into_iter().filter(|skill| caller.sees(publisher, skill.visibility));
        Ok(PublisherPage {
            publisher: publisher.clone(),
            active_keys: history.active_keys().cloned().collect(),
            revoked_keys: history.revoked_keys().cloned().collect(),
            history_length: history.length(),
            skills: skills.map(|skill| skill.skill).collect(),
        })
    }
}

/// The page of a release, without its words where it was taken down: they may be why.
fn without_taken_down(mut page: ReleasePage) -> ReleasePage {
    if page.taken_down.is_some() {
        page.readme_html.clear();
        page.description.clear();
        page.tools.clear();
    }
    page
}

fn line(release: Release) -> VersionLine {
    let Release { version, published, yanked, taken_down, .. } = release;
    VersionLine { version, published, yanked, taken_down }
}

fn missing(skill: &SkillId) -> Refusal {
    Refusal::NotFound(format!("skill {skill}"))
}

/// A skill that the caller may see.
pub(super) async fn visible(connection: &mut AnyConnection, caller: &Caller, id: &SkillId) -> Result<Skill> {
    let found = skills::find(connection, id).await?;
    let found = found.filter(|skill| caller.sees(id.publisher(), skill.visibility));
    found.ok_or_else(|| missing(id).into())
}

/// A version of a skill that the caller may see.
pub(super) async fn visible_release(
    connection: &mut AnyConnection,
    caller: &Caller,
    id: &SkillId,
    version: &Version,
) -> Result<(Skill, Release)> {
    let skill = visible(connection, caller, id).await?;
    let release = releases::find(connection, skill.id, version).await?;
    let release = release.ok_or_else(|| Refusal::NotFound(format!("version {version} of {id}")))?;
    Ok((skill, release))
}
