//! Serves installed skills to agents, and agents to people: MCP, an HTTP API, metrics and health, all over one [`Service`].
//!
//! It knows the runtime and protocols; no command line and no configuration file. Whoever embeds it hands over options.

pub mod agents;
mod asking;
pub mod caller;
mod count;
mod eager;
pub mod error;
pub mod http;
pub mod limits;
pub mod mcp;
pub mod metrics;
pub mod names;
pub mod server;
pub mod service;
mod skill_logs;
pub mod storage;
pub mod tls;
pub mod tokens;
pub mod watch;

pub use caller::{Caller, Scope};
pub use error::PublicError;
pub use server::{Gateway, GatewayError, Options, Settings};
pub use service::{Request, Service};
pub use storage::{LocalStorage, Storage};
