//! Query parameters: each is known and stands there once, or the request is refused by its name.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use axum::extract::FromRequestParts;
use http::request::Parts;
use openclaw_package::log::parse_decimal;

use super::{App, Failure};
use crate::error::{Error, Refusal};

/// The longest query that is read, in bytes.
const MAX_QUERY_LEN: usize = 4096;

/// The parameters of a request, not looked at yet.
#[derive(Debug, Default)]
pub(super) struct Parameters(BTreeMap<String, String>);

impl FromRequestParts<App> for Parameters {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        let query = parts.uri.query().unwrap_or_default();
        if query.len() > MAX_QUERY_LEN {
            return Err(refuse("the query is too long", "send a shorter one").into());
        }
        let mut found = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if value.contains('\0') {
                return Err(refuse(format!("the parameter {name:?} has a NUL in it"), "leave it out").into());
            }
            if found.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                let fact = format!("the parameter {:?} stands there twice", shown(&name));
                return Err(refuse(fact, "send it once").into());
            }
        }
        Ok(Self(found))
    }
}

fn shown(name: &str) -> String {
    name.chars().take(40).collect()
}

fn refuse(fact: impl Into<String>, hint: &str) -> Error {
    Refusal::malformed("bad-parameter", fact, hint).into()
}

impl Parameters {
    /// Refuses parameters that are not among these.
    pub(super) fn only(self, known: &[&str]) -> Result<Self, Error> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(self),
            Some(name) => {
                Err(Refusal::UnknownParameter { found: shown(name), known: known.join(", ") }.into())
            }
        }
    }

    /// A parameter as text; an empty one is none.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A parameter as the type that it names.
    pub(super) fn parsed<T>(&self, name: &str) -> Result<Option<T>, Error>
    where
        T: std::str::FromStr,
        Error: From<T::Err>,
    {
        self.text(name).map(str::parse).transpose().map_err(Error::from)
    }

    /// A parameter as a number of a range.
    pub(super) fn number(&self, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, Error> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match parse_decimal(text).filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => {
                let fact = format!("{name} is not a number from {} to {}", range.start(), range.end());
                Err(refuse(fact, "send one, or leave it out"))
            }
        }
    }
}

/// No parameters at all.
pub(super) struct NoParameters;

impl FromRequestParts<App> for NoParameters {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        Parameters::from_request_parts(parts, app).await?.only(&[])?;
        Ok(Self)
    }
}
