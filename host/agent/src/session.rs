//! Conversations: one turn at a time in each, many beside each other, and none of them lost with the process.

pub mod lane;
mod sqlite;
mod store;

pub use lane::{Busy, LaneLimits, Lanes};
pub use sqlite::SqliteStore;
pub use store::{Approved, Begun, Held, Opened, SessionId, SessionKey, Store, StoreError, Stored, Totals};
