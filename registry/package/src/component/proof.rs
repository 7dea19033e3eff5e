//! The proof that a component can do no more than its manifest asks.
//!
//! Each import is held against the interfaces that the host serves. What holds nothing is always there; what
//! stands for a permission needs that permission in the manifest; anything else is refused by name.

use semver::Version;

use super::{Export, Imports, Interface};
use crate::permission::Requests;
use crate::text::nearest;

/// The version of the package `openclaw:skill` that this host serves.
pub const HOST_WIT_VERSION: &str = "1.0.0";

/// The newest version of WASI that this host serves.
pub const WASI_VERSION: &str = "0.2.12";

const HOST: Version = Version::new(1, 0, 0);
const WASI_FIRST: Version = Version::new(0, 2, 0);
const WASI_LAST: Version = Version::new(0, 2, 12);
const TOOLS: &str = "openclaw:skill/tools";

/// What an interface needs in the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    Network,
    Process,
    Memory,
    Llm,
    Ask,
}

impl Needs {
    fn entry(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Network => "[[permission.network]]",
            Self::Process => "[[permission.process]]",
            Self::Memory => "[permission.memory]",
            Self::Llm => "[permission.llm]",
            Self::Ask => "[permission.ask]",
        }
    }

    fn declared(self, requests: &Requests) -> bool {
        match self {
            Self::Nothing => true,
            Self::Network => !requests.network.is_empty(),
            Self::Process => !requests.process.is_empty(),
            Self::Memory => requests.memory.is_some(),
            Self::Llm => requests.llm.is_some(),
            Self::Ask => requests.ask.is_some(),
        }
    }
}

/// Every interface that this host can link.
const SERVED: [(&str, Needs); 27] = [
    ("openclaw:skill/log", Needs::Nothing),
    ("openclaw:skill/memory", Needs::Memory),
    ("openclaw:skill/llm", Needs::Llm),
    ("openclaw:skill/ask", Needs::Ask),
    ("openclaw:skill/process", Needs::Process),
    ("wasi:http/types", Needs::Network),
    ("wasi:http/outgoing-handler", Needs::Network),
    ("wasi:cli/environment", Needs::Nothing),
    ("wasi:cli/exit", Needs::Nothing),
    ("wasi:cli/stdin", Needs::Nothing),
    ("wasi:cli/stdout", Needs::Nothing),
    ("wasi:cli/stderr", Needs::Nothing),
    ("wasi:cli/terminal-input", Needs::Nothing),
    ("wasi:cli/terminal-output", Needs::Nothing),
    ("wasi:cli/terminal-stdin", Needs::Nothing),
    ("wasi:cli/terminal-stdout", Needs::Nothing),
    ("wasi:cli/terminal-stderr", Needs::Nothing),
    ("wasi:io/error", Needs::Nothing),
    ("wasi:io/poll", Needs::Nothing),
    ("wasi:io/streams", Needs::Nothing),
    ("wasi:clocks/monotonic-clock", Needs::Nothing),
    ("wasi:clocks/wall-clock", Needs::Nothing),
    ("wasi:random/random", Needs::Nothing),
    ("wasi:random/insecure", Needs::Nothing),
    ("wasi:random/insecure-seed", Needs::Nothing),
    ("wasi:filesystem/types", Needs::Nothing),
    ("wasi:filesystem/preopens", Needs::Nothing),
];

/// Interfaces that a skill never has, and why.
const NEVER: [(&str, &str); 2] = [
    ("wasi:sockets/", "a skill has no sockets; it makes HTTP requests under [[permission.network]]"),
    ("wasi:http/incoming-handler", "a skill serves no requests; it offers tools"),
];

/// Why a component could do more than its manifest asks, or is no skill.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// An interface of a permission that the manifest does not ask.
    #[error("the component imports {import}, which the manifest does not declare")]
    Undeclared {
        /// The import.
        import: Box<Interface>,
        /// The manifest entry that would declare it.
        entry: &'static str,
    },
    /// An interface that no host of this version has.
    #[error("the component imports {import}, which this host does not know")]
    Unknown {
        /// The import.
        import: Box<Interface>,
        /// The nearest interface that it knows.
        nearest: Option<String>,
    },
    /// An interface that a skill never has.
    #[error("the component imports {import}: {reason}")]
    Forbidden {
        /// The import.
        import: Box<Interface>,
        /// Why.
        reason: &'static str,
    },
    /// An interface of a newer version than the host serves.
    #[error("the component needs {interface}, and this host serves up to {served}")]
    NewerWit {
        /// The import or export.
        interface: Box<Interface>,
        /// The newest version that is served.
        served: &'static str,
    },
    /// An interface of an older version than the host serves, or of none.
    #[error("the component needs {interface}, and this host serves {served} at the earliest")]
    OlderWit {
        /// The import or export.
        interface: Box<Interface>,
        /// The oldest version that is served.
        served: Version,
    },
    /// The tools are not exported.
    #[error("the component does not export {TOOLS}@{HOST_WIT_VERSION}")]
    MissingExport,
    /// Something beside the tools is exported.
    #[error("the component exports {0:?}, which is no part of a skill")]
    UnexpectedExport(String),
}

impl ProofError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Undeclared { .. } => "undeclared-import",
            Self::Unknown { .. } => "unknown-import",
            Self::Forbidden { .. } => "forbidden-import",
            Self::NewerWit { .. } => "newer-wit",
            Self::OlderWit { .. } => "older-wit",
            Self::MissingExport => "missing-export",
            Self::UnexpectedExport(_) => "unexpected-export",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Undeclared { entry, .. } => {
                format!("add {entry} to openclaw/skill.toml, or drop the code that uses it")
            }
            Self::Unknown { nearest: Some(name), .. } => format!("the nearest one it knows is {name}"),
            Self::Unknown { nearest: None, .. } | Self::Forbidden { .. } => {
                "build against the worlds of openclaw:skill and WASI 0.2".to_owned()
            }
            Self::NewerWit { .. } => "update openclaw".to_owned(),
            Self::OlderWit { .. } => {
                format!("build against openclaw:skill@{HOST_WIT_VERSION} and WASI {WASI_VERSION}")
            }
            Self::MissingExport => "export the tools: #[skill] in Rust does".to_owned(),
            Self::UnexpectedExport(_) => format!("export {TOOLS} and nothing else"),
        })
    }
}

impl Imports {
    /// Proves that the component can do no more than the requests ask, and that it offers tools.
    ///
    /// File system interfaces need no request: without a granted tree they hold nothing.
    ///
    /// # Errors
    ///
    /// The first import or export that does not fit.
    pub fn prove(&self, requests: &Requests) -> Result<(), ProofError> {
        self.imports.iter().try_for_each(|import| prove_import(import, requests))?;
        let mut tools = false;
        for export in &self.exports {
            match export {
                Export::Interface(interface) if interface.unversioned() == TOOLS => {
                    check_version(interface)?;
                    tools = true;
                }
                Export::Interface(interface) => {
                    return Err(ProofError::UnexpectedExport(interface.to_string()));
                }
                Export::Other(name) => return Err(ProofError::UnexpectedExport(name.clone())),
            }
        }
        if tools { Ok(()) } else { Err(ProofError::MissingExport) }
    }
}

fn prove_import(import: &Interface, requests: &Requests) -> Result<(), ProofError> {
    let name = import.unversioned();
    if let Some((_, reason)) = NEVER.iter().find(|(start, _)| name.starts_with(start)) {
        return Err(ProofError::Forbidden { import: Box::new(import.clone()), reason });
    }
    // A newer package may have interfaces that are not listed here, so its version is looked at first.
    if PACKAGES
        .iter()
        .any(|(namespace, package)| import.namespace == *namespace && import.package == *package)
    {
        check_version(import)?;
    }
    let Some((_, needs)) = SERVED.iter().find(|(served, _)| *served == name) else {
        let names = SERVED.iter().map(|(served, _)| *served);
        let nearest = nearest(&name, names).first().map(|&name| name.to_owned());
        return Err(ProofError::Unknown { import: Box::new(import.clone()), nearest });
    };
    if needs.declared(requests) {
        Ok(())
    } else {
        Err(ProofError::Undeclared { import: Box::new(import.clone()), entry: needs.entry() })
    }
}

/// The packages of which some interface is served.
const PACKAGES: [(&str, &str); 7] = [
    ("openclaw", "skill"),
    ("wasi", "http"),
    ("wasi", "cli"),
    ("wasi", "io"),
    ("wasi", "clocks"),
    ("wasi", "random"),
    ("wasi", "filesystem"),
];

fn check_version(interface: &Interface) -> Result<(), ProofError> {
    let (first, last, served) = if interface.namespace == "wasi" {
        (WASI_FIRST, WASI_LAST, WASI_VERSION)
    } else {
        (HOST, HOST, HOST_WIT_VERSION)
    };
    match &interface.version {
        Some(version) if *version > last => {
            Err(ProofError::NewerWit { interface: Box::new(interface.clone()), served })
        }
        Some(version) if *version >= first && version.pre.is_empty() => Ok(()),
        _ => Err(ProofError::OlderWit { interface: Box::new(interface.clone()), served: first }),
    }
}
