//! What a registry says and signs, and how it is checked: see `docs/registry-protocol.md`.

pub mod api;
mod document;
pub mod event;
pub mod history;
pub mod index;
mod origin;
pub mod provenance;
mod releases;
pub mod root;
pub mod takedown;

pub use document::DocumentError;
pub use event::{Action, Event, Release, Visibility};
pub use history::{History, HistoryError};
pub use index::{Index, IndexEntry, IndexError, IndexLine};
pub use origin::{LOCAL, MAX_ORIGIN_LEN, Origin, OriginError};
pub use provenance::{LoggedEvent, ProvenRelease, Provenance, ProvenanceError};
pub use releases::{Released, Releases};
pub use root::{Root, RootError, RootParts, TrustedRoot};
pub use takedown::{KeptTakedowns, Takedown, TakedownNotice, Takedowns};
