//! What a skill's component is linked to: the baseline, which holds nothing, and what its manifest declares.

use openclaw_package::permission::Requests;
use wasmtime::Engine;
use wasmtime::component::Linker;

use super::baseline;
use super::state::CallState;
use crate::capability::{ask, filesystem, llm, log, memory, network, process};

/// Whether a call may have to wait for something outside the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waits {
    /// It runs to its end on the caller's thread, without a fiber.
    Never,
    /// It runs on a fiber, and gives the thread back while it waits.
    Sometimes,
}

/// The linker for a skill that declares these permissions, granted or not: what is declared but
/// not granted answers each use with a denial.
pub(super) fn for_requests(
    engine: &Engine,
    requests: &Requests,
) -> wasmtime::Result<(Linker<CallState>, Waits)> {
    let mut linker = Linker::new(engine);
    let never = requests.network.is_empty()
        && requests.process.is_empty()
        && requests.llm.is_none()
        && requests.ask.is_none();
    let waits = if never { Waits::Never } else { Waits::Sometimes };

    baseline::add_to_linker(&mut linker, waits)?;
    filesystem::add_to_linker(&mut linker, CallState::filesystem)?;
    log::add_to_linker(&mut linker)?;
    if requests.memory.is_some() {
        memory::add_to_linker(&mut linker)?;
    }
    if requests.llm.is_some() {
        llm::add_to_linker(&mut linker)?;
    }
    if requests.ask.is_some() {
        ask::add_to_linker(&mut linker)?;
    }
    if !requests.process.is_empty() {
        process::add_to_linker(&mut linker)?;
    }
    if !requests.network.is_empty() {
        network::add_to_linker(&mut linker, CallState::network)?;
    }
    Ok((linker, waits))
}
