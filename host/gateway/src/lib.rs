//! Serves installed skills to agents: MCP, an HTTP API, metrics and health, all over one [`Service`].
//!
//! It knows the runtime and protocols; no command line and no configuration file. Whoever embeds it hands over options.

pub mod caller;
pub mod error;
pub mod mcp;
pub mod service;

pub use caller::{Caller, Scope};
pub use error::PublicError;
pub use service::{Request, Service};
