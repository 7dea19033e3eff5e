//! Segments of a URL as the types that they name; what names nothing is refused before anything is looked up.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use openclaw_package::log::parse_decimal;
use openclaw_package::{Digest, PublisherName, SkillId};
use semver::Version;
use serde::de::DeserializeOwned;

use super::{App, Failure};
use crate::error::{Error, Refusal};

async fn segments<T: DeserializeOwned + Send>(parts: &mut Parts, app: &App) -> Result<T, Failure> {
    match Path::<T>::from_request_parts(parts, app).await {
        Ok(Path(segments)) => Ok(segments),
        Err(_) => Err(malformed("the path is not UTF-8 or has another number of parts").into()),
    }
}

fn malformed(fact: impl Into<String>) -> Error {
    Refusal::malformed("invalid-path", fact, "the paths are in /openapi.json").into()
}

/// The longest version, in bytes: it stands in an index of the database, and in each line about it.
const MAX_VERSION_LEN: usize = 256;

/// A version without build metadata.
///
/// # Errors
///
/// Anything else, also a version that is written in another way than its one form.
pub(super) fn version(text: &str) -> Result<Version, Error> {
    let refuse = |fact: String| {
        Refusal::malformed("invalid-version", fact, "write major.minor.patch, for example 1.0.0").into()
    };
    let quoted: String = text.chars().take(80).collect::<String>().escape_debug().collect();
    if text.len() > MAX_VERSION_LEN {
        return Err(refuse(format!(
            "\"{quoted}\"… has {} characters, more than {MAX_VERSION_LEN}",
            text.len()
        )));
    }
    let version = Version::from_str(text).map_err(|_| refuse(format!("\"{quoted}\" is not a version")))?;
    if !version.build.is_empty() {
        let fact = format!("the version {quoted} has build metadata, which tells no versions apart");
        return Err(Refusal::malformed("build-metadata", fact, "leave out the + and what follows").into());
    }
    if version.to_string() == text {
        Ok(version)
    } else {
        Err(refuse(format!("\"{quoted}\" is not a version")))
    }
}

/// `{publisher}/{name}`.
pub(super) struct SkillPath(pub(super) SkillId);

impl FromRequestParts<App> for SkillPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let (publisher, name): (String, String) = segments(parts, app).await?;
        let publisher = publisher.parse::<PublisherName>()?;
        Ok(Self(SkillId::new(publisher, name.parse().map_err(Error::from)?)))
    }
}

/// `{publisher}/{name}/{version}`.
pub(super) struct ReleasePath(pub(super) SkillId, pub(super) Version);

impl FromRequestParts<App> for ReleasePath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let (publisher, name, text): (String, String, String) = segments(parts, app).await?;
        let publisher = publisher.parse::<PublisherName>()?;
        let skill = SkillId::new(publisher, name.parse().map_err(Error::from)?);
        Ok(Self(skill, version(&text)?))
    }
}

/// `{publisher}`.
pub(super) struct PublisherPath(pub(super) PublisherName);

impl FromRequestParts<App> for PublisherPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let publisher: String = segments(parts, app).await?;
        Ok(Self(publisher.parse::<PublisherName>()?))
    }
}

/// `{digest}`, 64 hex digits.
pub(super) struct DigestPath(pub(super) Digest);

impl FromRequestParts<App> for DigestPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let digest: String = segments(parts, app).await?;
        Ok(Self(Digest::from_hex(&digest)?))
    }
}

/// A number in decimal, written in its one form.
pub(super) struct NumberPath(pub(super) u64);

impl FromRequestParts<App> for NumberPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let text: String = segments(parts, app).await?;
        // The newest root's sister is a file by name: 3.json.
        let digits = text.strip_suffix(".json").unwrap_or(&text);
        let number = parse_decimal(digits).ok_or_else(|| malformed("a part of the path is not a number"))?;
        Ok(Self(number))
    }
}
