//! Pages of skills, versions and publishers; the provenance of a version; and what a token is.

use axum::extract::State;
use axum::response::Response;
use openclaw_package::registry::api::{ErrorBody, PublisherPage, ReleasePage, SkillPage, Whoami};
use openclaw_package::registry::{Provenance, Visibility};

use super::answer::{json, revalidated};
use super::parameters::NoParameters;
use super::path::{PublisherPath, ReleasePath, SkillPath};
use super::{App, Asking, Failure};

/// A skill: what it asks for, what it is, all its versions
#[utoipa::path(get, path = "/api/v1/skills/{publisher}/{name}", tag = "find",
    security((), ("token" = [])),
    params(
        ("publisher" = String, Path, description = "Publisher"),
        ("name" = String, Path, description = "The skill's own name"),
    ),
    responses(
        (status = 200, description = "The skill", body = SkillPage),
        (status = 400, description = "Not a name", body = ErrorBody),
        (status = 401, description = "A token that does not hold", body = ErrorBody),
        (status = 404, description = "No such skill, or not for the caller", body = ErrorBody),
        (status = 429, description = "Too many requests", body = ErrorBody),
    ))]
pub(super) async fn skill(
    State(app): State<App>,
    NoParameters: NoParameters,
    SkillPath(skill): SkillPath,
    Asking(caller): Asking,
) -> Result<Response, Failure> {
    let page = app.registry.skill_page(&caller, &skill).await?;
    let is_public = page.visibility == Visibility::Public;
    Ok(revalidated(json(&page), is_public))
}

/// A version in full
#[utoipa::path(get, path = "/api/v1/skills/{publisher}/{name}/{version}", tag = "find",
    security((), ("token" = [])),
    params(
        ("publisher" = String, Path, description = "Publisher"),
        ("name" = String, Path, description = "The skill's own name"),
        ("version" = String, Path, description = "Version"),
    ),
    responses(
        (status = 200, description = "The version", body = ReleasePage),
        (status = 400, description = "Not a name or version", body = ErrorBody),
        (status = 401, description = "A token that does not hold", body = ErrorBody),
        (status = 404, description = "No such version, or not for the caller", body = ErrorBody),
        (status = 429, description = "Too many requests", body = ErrorBody),
    ))]
pub(super) async fn release(
    State(app): State<App>,
    NoParameters: NoParameters,
    ReleasePath(skill, version): ReleasePath,
    Asking(caller): Asking,
) -> Result<Response, Failure> {
    let page = app.registry.release_page(&caller, &skill, &version).await?;
    Ok(revalidated(json(&page), caller.publisher().is_none()))
}

/// All that is needed to believe a version
#[utoipa::path(get, path = "/api/v1/skills/{publisher}/{name}/{version}/provenance", tag = "trust",
    security((), ("token" = [])),
    params(
        ("publisher" = String, Path, description = "Publisher"),
        ("name" = String, Path, description = "The skill's own name"),
        ("version" = String, Path, description = "Version"),
    ),
    responses(
        (status = 200, description = "Roots, history and proofs", body = Provenance),
        (status = 400, description = "Not a name or version", body = ErrorBody),
        (status = 401, description = "A token that does not hold", body = ErrorBody),
        (status = 404, description = "No such version, or not for the caller", body = ErrorBody),
        (status = 429, description = "Too many requests", body = ErrorBody),
    ))]
pub(super) async fn provenance(
    State(app): State<App>,
    NoParameters: NoParameters,
    ReleasePath(skill, version): ReleasePath,
    Asking(caller): Asking,
) -> Result<Response, Failure> {
    let provenance = app.registry.provenance(&caller, &skill, &version).await?;
    Ok(revalidated(json(&provenance), caller.publisher().is_none()))
}

/// A publisher: its keys and skills
#[utoipa::path(get, path = "/api/v1/publishers/{publisher}", tag = "find",
    security((), ("token" = [])),
    params(("publisher" = String, Path, description = "Publisher")),
    responses(
        (status = 200, description = "The publisher", body = PublisherPage),
        (status = 400, description = "Not a name", body = ErrorBody),
        (status = 401, description = "A token that does not hold", body = ErrorBody),
        (status = 404, description = "No such publisher", body = ErrorBody),
        (status = 429, description = "Too many requests", body = ErrorBody),
    ))]
pub(super) async fn publisher(
    State(app): State<App>,
    NoParameters: NoParameters,
    PublisherPath(publisher): PublisherPath,
    Asking(caller): Asking,
) -> Result<Response, Failure> {
    let page = app.registry.publisher_page(&caller, &publisher).await?;
    Ok(revalidated(json(&page), caller.publisher().is_none()))
}

/// What the token of the request may do
#[utoipa::path(get, path = "/api/v1/whoami", tag = "publish",
    security(("token" = [])),
    responses(
        (status = 200, description = "The token", body = Whoami),
        (status = 401, description = "No token, or one that does not hold", body = ErrorBody),
        (status = 429, description = "Too many requests", body = ErrorBody),
    ))]
pub(super) async fn whoami(
    _: State<App>,
    NoParameters: NoParameters,
    Asking(caller): Asking,
) -> Result<Response, Failure> {
    let token = caller.token()?;
    let whoami = Whoami {
        publisher: token.publisher.clone(),
        name: token.name.clone(),
        scopes: token.scopes.iter().map(ToString::to_string).collect(),
        pattern: token.pattern.to_string(),
        expires: token.expires,
    };
    Ok(revalidated(json(&whoami), false))
}
