//! Runs OpenClaw skills: signed WebAssembly components that hold only what their owner granted.

mod bindings;
pub mod capability;
