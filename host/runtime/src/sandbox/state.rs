//! What a store holds during one call; it is dropped with the call, and nothing outlives it.

use std::hash::{DefaultHasher, Hash, Hasher};

use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::WasiHttpCtxView;

use super::baseline::Baseline;
use super::limits::{HOST_RESOURCES, Limits, Totals};
use super::linker::Waits;
use super::turns::Pace;
use crate::capability::Denials;
use crate::capability::ask::AskState;
use crate::capability::filesystem::{FilesystemState, FilesystemView};
use crate::capability::llm::LlmState;
use crate::capability::log::Log;
use crate::capability::memory::MemoryState;
use crate::capability::network::NetworkState;
use crate::capability::process::ProcessState;

/// What a call may use: the granted capabilities, opened for this call.
#[derive(Default)]
pub(crate) struct Held {
    pub(crate) filesystem: FilesystemState,
    pub(crate) memory: MemoryState,
    pub(crate) network: NetworkState,
    pub(crate) process: ProcessState,
    pub(crate) llm: LlmState,
    pub(crate) ask: AskState,
    pub(crate) denials: Denials,
    pub(crate) log: Log,
}

/// A store's data.
pub(crate) struct CallState {
    pub(crate) table: ResourceTable,
    pub(super) totals: Totals,
    pub(super) baseline: Baseline,
    pub(super) pace: Pace,
    pub(crate) log: Log,
    pub(crate) filesystem: FilesystemState,
    pub(crate) memory: MemoryState,
    pub(crate) network: NetworkState,
    pub(crate) process: ProcessState,
    pub(crate) llm: LlmState,
    pub(crate) ask: AskState,
    pub(crate) denials: Denials,
}

impl CallState {
    pub(super) fn new(
        held: Held,
        limits: &Limits,
        skill: [u8; 32],
        call: (&str, &str),
        pace: Pace,
        waits: Waits,
    ) -> Self {
        let Held { filesystem, memory, network, process, llm, ask, denials, log } = held;
        let mut table = ResourceTable::new();
        table.set_max_capacity(HOST_RESOURCES);
        Self {
            table,
            totals: Totals::new(limits),
            baseline: Baseline::new(seed(skill, call), waits),
            pace,
            log,
            filesystem,
            memory,
            network,
            process,
            llm,
            ask,
            denials,
        }
    }
}

impl CallState {
    /// What `wasi:filesystem` acts on.
    pub(super) fn filesystem(&mut self) -> FilesystemView<'_> {
        FilesystemView { state: &mut self.filesystem, table: &mut self.table }
    }

    /// What `wasi:http` acts on.
    pub(super) fn network(&mut self) -> WasiHttpCtxView<'_> {
        self.network.view(&mut self.table)
    }
}

/// The seed of guest hash maps: equal for equal calls, so that they burn equal fuel, and not to be
/// foreseen by whoever chooses only a part of the input.
fn seed(skill: [u8; 32], call: (&str, &str)) -> (u64, u64) {
    let mut hasher = DefaultHasher::new();
    (skill, call).hash(&mut hasher);
    let first = hasher.finish();
    // The input may be long; the other half needs not read it again.
    (skill, first).hash(&mut hasher);
    (first, hasher.finish())
}
