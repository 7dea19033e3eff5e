//! Tests of the client against a registry that is honest, until a test makes it lie; a file for each part.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod answers;
mod auditing;
mod downloads;
mod events;
mod histories;
mod home;
mod logins;
mod logs;
mod publishing;
mod resolving;
mod roots;
mod server;
mod states;
mod takedowns;
mod tls;
mod transport;
mod watching;
mod world;
