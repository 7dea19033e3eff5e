//! Tests of the package format, a file for each part; `refusals.rs` has one for each row of the refusal table.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod archives;
mod common;
mod components;
mod envelopes;
mod histories;
mod log;
mod log_properties;
mod log_tiles;
mod log_trees;
mod manifests;
mod names;
mod packages;
mod permissions;
mod process_programs;
mod process_properties;
mod process_shapes;
mod processes;
mod properties;
mod provenances;
mod refusals;
mod registry;
mod roots;
mod secrets;
mod skill_mds;
mod toolsets;
mod triggers;
mod url_patterns;
mod words;
