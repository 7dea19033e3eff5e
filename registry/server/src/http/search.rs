//! `/api/v1/search` and `/api/v1/categories`.

use axum::extract::State;
use axum::response::Response;
use openclaw_package::SkillName;
use openclaw_package::registry::api::{Category, ErrorBody, SearchResults};

use super::answer::{json, revalidated};
use super::parameters::{NoParameters, Parameters};
use super::{App, Asking, Failure};
use crate::store::search::Query;

const DEFAULT_LIMIT: u64 = 20;
const MAX_LIMIT: u64 = 100;
const MAX_OFFSET: u64 = 10_000;

/// Find skills by words, the last of which may be the start of one
#[utoipa::path(get, path = "/api/v1/search", tag = "find",
    security((), ("token" = [])),
    params(
        ("q" = Option<String>, Query, description = "Words in name, description, category or tools"),
        ("category" = Option<String>, Query, description = "Only of this category"),
        ("publisher" = Option<String>, Query, description = "Only of this publisher"),
        ("limit" = Option<u64>, Query, description = "How many at most, from 1 to 100; 20 unless told"),
        ("offset" = Option<u64>, Query, description = "How many are left out before, up to 10 000"),
    ),
    responses(
        (status = 200, description = "The best first; the newest first where there are no words",
            body = SearchResults),
        (status = 400, description = "A parameter that is not known or cannot be read", body = ErrorBody),
        (status = 401, description = "A token that does not hold", body = ErrorBody),
        (status = 429, description = "Too many requests", body = ErrorBody),
    ))]
pub(super) async fn get(
    State(app): State<App>,
    parameters: Parameters,
    Asking(caller): Asking,
) -> Result<Response, Failure> {
    let parameters = parameters.only(&["q", "category", "publisher", "limit", "offset"])?;
    let query = Query {
        text: parameters.text("q").unwrap_or_default().to_owned(),
        category: parameters.parsed::<SkillName>("category")?,
        publisher: parameters.parsed("publisher")?,
        viewer: caller.publisher().cloned(),
        limit: parameters.number("limit", 1..=MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT),
        offset: parameters.number("offset", 0..=MAX_OFFSET)?.unwrap_or(0),
    };
    let results = app.registry.search(&query).await?;
    Ok(revalidated(json(&results), caller.publisher().is_none()))
}

/// The public categories, and how many skills are in each
#[utoipa::path(get, path = "/api/v1/categories", tag = "find",
    responses(
        (status = 200, description = "By name", body = Vec<Category>),
        (status = 429, description = "Too many requests", body = ErrorBody),
    ))]
pub(super) async fn categories(
    State(app): State<App>,
    NoParameters: NoParameters,
) -> Result<Response, Failure> {
    Ok(revalidated(json(&app.registry.categories().await?), true))
}
