//! HTTP methods that can be granted (RFC 9110, section 9).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::permission::PermissionError;
use crate::text::quoted;

/// A method. CONNECT and TRACE cannot be granted, so they do not exist here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Method {
    /// GET
    Get,
    /// HEAD
    Head,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH (RFC 5789)
    Patch,
    /// DELETE
    Delete,
    /// OPTIONS
    Options,
}

impl Method {
    /// Every method that can be granted.
    pub const ALL: [Method; 7] =
        [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete, Self::Options];

    /// The method as it stands in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Method {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        Self::ALL
            .into_iter()
            .find(|method| method.as_str() == text)
            .ok_or_else(|| PermissionError::Method(quoted(text)))
    }
}

impl TryFrom<String> for Method {
    type Error = PermissionError;

    fn try_from(text: String) -> Result<Self, PermissionError> {
        text.parse()
    }
}

impl From<Method> for String {
    fn from(method: Method) -> String {
        method.as_str().to_owned()
    }
}

/// One method or more, written `GET,POST` in text and as a list in documents.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<Method>", into = "Vec<Method>")]
pub struct MethodSet(BTreeSet<Method>);

impl MethodSet {
    /// A set of methods; naming one twice is naming it once.
    ///
    /// # Errors
    ///
    /// [`PermissionError::NoMethods`] when there is none.
    pub fn new(methods: impl IntoIterator<Item = Method>) -> Result<Self, PermissionError> {
        let methods: BTreeSet<Method> = methods.into_iter().collect();
        if methods.is_empty() { Err(PermissionError::NoMethods) } else { Ok(Self(methods)) }
    }

    /// Whether a method is in the set.
    pub fn contains(&self, method: Method) -> bool {
        self.0.contains(&method)
    }

    /// Whether every method of `other` is in the set.
    pub fn covers(&self, other: &MethodSet) -> bool {
        self.0.is_superset(&other.0)
    }

    /// The methods, in the order of [`Method::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = Method> + '_ {
        self.0.iter().copied()
    }
}

impl fmt::Display for MethodSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, method) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            method.fmt(f)?;
        }
        Ok(())
    }
}

impl FromStr for MethodSet {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        if text.is_empty() {
            return Err(PermissionError::NoMethods);
        }
        Self::new(text.split(',').map(str::parse).collect::<Result<Vec<Method>, _>>()?)
    }
}

impl TryFrom<Vec<Method>> for MethodSet {
    type Error = PermissionError;

    fn try_from(methods: Vec<Method>) -> Result<Self, PermissionError> {
        Self::new(methods)
    }
}

impl From<MethodSet> for Vec<Method> {
    fn from(methods: MethodSet) -> Vec<Method> {
        methods.iter().collect()
    }
}
