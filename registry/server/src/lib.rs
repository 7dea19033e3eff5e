//! A registry of skills: accounts, index, blobs, search and a transparency log behind one HTTP API.
//!
//! [`Registry`] has the rules and knows no HTTP; [`http`] answers requests with it; [`command`] has what an operator
//! types. Nothing here prints: commands give reports, and whoever embeds them shows these.

pub mod backup;
#[cfg(feature = "bench")]
pub mod bench;
pub mod blobs;
pub mod command;
pub mod error;
pub mod http;
pub mod keys;
pub mod limits;
pub mod location;
pub mod registry;
pub mod server;
pub mod store;
pub mod token;
pub mod verify;

pub use blobs::{Blobs, BlobsUrl};
pub use error::{Error, Fault, Refusal, Result};
pub use keys::Keys;
pub use limits::Limits;
pub use location::Location;
pub use registry::Registry;
pub use store::Store;
