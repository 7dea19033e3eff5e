//! `openclaw mcp` as agents meet it: through the real binary, with real clients and with hostile ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

mod ask;
mod clients;
mod consent;
mod hostile;
mod http;
mod registration;
mod serving;
mod wire;
