//! What the end-to-end tests share: a home for one owner, the real command, hostile components and packages of them.
//!
//! Tests go through the front door, the `openclaw` command, wherever it can see what is tested.
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

pub mod bomb;
pub mod clients;
pub mod component;
pub mod craft;
pub mod embedded;
pub mod forgery;
pub mod gateway;
pub mod home;
pub mod hostile;
pub mod http;
pub mod proxy;
pub mod race;
pub mod ran;
pub mod registry;
pub mod server;
pub mod skill;
pub mod snapshot;
pub mod tls;

pub use gateway::Gateway;
pub use home::Home;
pub use proxy::Proxy;
pub use ran::Ran;
pub use registry::Registry;
pub use skill::Skill;
pub use snapshot::Snapshot;
