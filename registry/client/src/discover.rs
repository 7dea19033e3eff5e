//! Looking around: search, categories, pages. All of it is a hint, shown to a person and believed by nobody.

use openclaw_package::registry::Index;
use openclaw_package::registry::api::{Category, PublisherPage, SearchResults, SkillPage, Whoami};
use openclaw_package::{PublisherName, SkillId};
use serde::de::DeserializeOwned;

use crate::client::Client;
use crate::error::Error;
use crate::transport::{HttpError, Kind, paths};

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Words; none finds everything.
    pub words: String,
    /// Only in this category.
    pub category: Option<String>,
    /// How many results are left out.
    pub offset: u64,
    /// The most results; 20 where it is 0.
    pub limit: u32,
}

impl Client {
    /// Skills that match.
    ///
    /// # Errors
    ///
    /// An outage, or an answer that is none.
    pub async fn search(&self, query: &Query) -> Result<SearchResults, Error> {
        let limit = if query.limit == 0 { 20 } else { query.limit };
        let path = paths::search(&query.words, query.category.as_deref(), query.offset, limit);
        Ok(self.http().json(Kind::SEARCH, &path).await?)
    }

    /// All categories.
    ///
    /// # Errors
    ///
    /// As [`Client::search`].
    pub async fn categories(&self) -> Result<Vec<Category>, Error> {
        self.cached(Kind::CATEGORIES, paths::CATEGORIES, false, |bytes| json(Kind::CATEGORIES, bytes)).await
    }

    /// A skill's page.
    ///
    /// # Errors
    ///
    /// As [`Client::search`].
    pub async fn page(&self, skill: &SkillId) -> Result<SkillPage, Error> {
        let page: SkillPage =
            self.cached(Kind::PAGE, &paths::skill(skill), false, |bytes| json(Kind::PAGE, bytes)).await?;
        if page.skill != *skill {
            return Err(HttpError::malformed(Kind::PAGE.name, "it is of another skill").into());
        }
        Ok(page)
    }

    /// A publisher's page.
    ///
    /// # Errors
    ///
    /// As [`Client::search`].
    pub async fn publisher(&self, publisher: &PublisherName) -> Result<PublisherPage, Error> {
        let path = paths::publisher(publisher);
        let page: PublisherPage =
            self.cached(Kind::PUBLISHER, &path, false, |bytes| json(Kind::PUBLISHER, bytes)).await?;
        if page.publisher != *publisher {
            return Err(HttpError::malformed(Kind::PUBLISHER.name, "it is of another publisher").into());
        }
        Ok(page)
    }

    /// What the token may do.
    ///
    /// # Errors
    ///
    /// As [`Client::search`].
    pub async fn whoami(&self) -> Result<Whoami, Error> {
        Ok(self.http().json(Kind::WHOAMI, paths::WHOAMI).await?)
    }

    /// A skill's index.
    ///
    /// # Errors
    ///
    /// As [`Client::search`].
    pub async fn index(&self, skill: &SkillId) -> Result<Index, Error> {
        self.index_by(skill, false).await
    }

    pub(crate) async fn index_by(&self, skill: &SkillId, fresh: bool) -> Result<Index, Error> {
        self.cached(Kind::INDEX, &paths::index(skill), fresh, |bytes| {
            let malformed = |detail: String| Error::from(HttpError::malformed(Kind::INDEX.name, detail));
            let text = std::str::from_utf8(bytes).map_err(|error| malformed(error.to_string()))?;
            Index::parse(text).map_err(|error| malformed(error.to_string()))
        })
        .await
    }
}

fn json<T: DeserializeOwned>(kind: Kind, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| HttpError::malformed(kind.name, error).into())
}
