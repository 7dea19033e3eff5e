//! The one way to a registry: what may be asked, how large and of which kind the answer may be, how long it may
//! take, and where a redirect may lead.

mod body;
mod error;
mod kind;
mod options;
pub(crate) mod paths;
mod send;
mod tls;

pub use error::HttpError;
pub use options::{ClientOptions, Timeouts};

pub(crate) use body::{Pace, broken, check_type};
pub(crate) use kind::Kind;
pub(crate) use send::{Http, Reply};
