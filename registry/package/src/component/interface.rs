//! The name of an interface: `namespace:package/name@version`.

use std::fmt;
use std::str::FromStr;

use semver::Version;

/// An interface as components name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interface {
    /// `wasi` in `wasi:io/poll@0.2.0`.
    pub namespace: String,
    /// `io`.
    pub package: String,
    /// `poll`.
    pub name: String,
    /// `0.2.0`, where one is written.
    pub version: Option<Version>,
}

/// The text is not the name of an interface.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the name of an interface")]
pub struct InterfaceError;

impl InterfaceError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        "not-an-interface"
    }
}

impl Interface {
    /// The name without the version: `wasi:io/poll`.
    pub fn unversioned(&self) -> String {
        format!("{}:{}/{}", self.namespace, self.package, self.name)
    }
}

impl FromStr for Interface {
    type Err = InterfaceError;

    fn from_str(text: &str) -> Result<Self, InterfaceError> {
        let (path, version) = match text.split_once('@') {
            Some((path, version)) => (path, Some(version.parse().map_err(|_| InterfaceError)?)),
            None => (text, None),
        };
        let (namespace, rest) = path.split_once(':').ok_or(InterfaceError)?;
        let (package, name) = rest.split_once('/').ok_or(InterfaceError)?;
        if [namespace, package, name].into_iter().all(is_kebab) {
            let [namespace, package, name] = [namespace, package, name].map(str::to_owned);
            Ok(Self { namespace, package, name, version })
        } else {
            Err(InterfaceError)
        }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.namespace, self.package, self.name)?;
        match &self.version {
            Some(version) => write!(f, "@{version}"),
            None => Ok(()),
        }
    }
}

fn is_kebab(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
