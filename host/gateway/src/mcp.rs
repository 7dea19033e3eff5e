//! The MCP server: installed skills as tools and resources of any client, over standard input and output or HTTP.
//!
//! The protocol itself is rmcp's; what is here is what it says: [`server`] answers requests, over what [`listing`] made
//! of the catalog. It speaks the revision 2026-07-28, which has no sessions, and those before it, which do.

mod ask;
mod calls;
mod consent;
mod follow;
mod http;
mod listing;
mod resources;
mod server;
mod sessions;
mod shape;
mod stdio;

mod transport;

pub use http::{HttpMcp, HttpOptions, http_service};
pub use stdio::{StdioError, serve, serve_stdio};
