//! As much of the contract between host and guest as an embedding needs that has none of the host's code.

use wasmtime::component::{Component, ComponentExportIndex, Linker};

const TOOLS: &str = "openclaw:skill/tools@1.0.0";
const LOG: &str = "openclaw:skill/log@1.0.0";

/// What `call` gives.
pub type Answer = (Result<String, ToolError>,);

#[derive(wasmtime::component::ComponentType, wasmtime::component::Lift)]
#[component(variant)]
#[allow(dead_code, reason = "the type must have the contract's shape")]
pub enum ToolError {
    #[component(name = "unknown-tool")]
    UnknownTool,
    #[component(name = "invalid-input")]
    InvalidInput(String),
    #[component(name = "denied")]
    Denied(String),
    #[component(name = "failed")]
    Failed(String),
}

#[derive(wasmtime::component::ComponentType, wasmtime::component::Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "the type must have the contract's shape")]
enum LogLevel {
    #[component(name = "trace")]
    Trace,
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}

/// Finds the export of a component that calls a tool.
pub fn export(component: &Component) -> ComponentExportIndex {
    let (_, tools) = component.get_export(None, TOOLS).expect("the tools");
    component.get_export(Some(&tools), "call").expect("the call").1
}

/// Links a log that keeps nothing.
pub fn link_log<T: 'static>(linker: &mut Linker<T>) {
    linker
        .instance(LOG)
        .and_then(|mut log| log.func_wrap("write", |_, (_, _): (LogLevel, String)| Ok(())))
        .expect("the log");
}
