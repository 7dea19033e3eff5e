//! The floor: wasmtime tuned as the host tunes it, a store, an instance, a call, and nothing else.

use openclaw_runtime::sandbox::Ceilings;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, ResourceLimiter,
    Store, StoreLimits, StoreLimitsBuilder,
};

use super::contract::{self, Answer};
use super::project::{INPUT, TOOL};
use super::untuned::Wasi;

/// Slots of the pool: what the host has for sixteen calls at once.
const SLOTS: u32 = 64;

/// What a store holds.
pub trait State: Sized + 'static {
    /// Links the imports of a component, the log excepted.
    fn link(linker: &mut Linker<Self>, component: &Component);
    fn new(limits: StoreLimits) -> Self;
    fn limits(&mut self) -> &mut StoreLimits;
}

/// A store that holds nothing but its limits: what the guest imports and the call does not use is a trap.
pub struct Nothing(StoreLimits);

impl State for Nothing {
    fn link(linker: &mut Linker<Self>, component: &Component) {
        linker.define_unknown_imports_as_traps(component).expect("traps");
    }

    fn new(limits: StoreLimits) -> Self {
        Self(limits)
    }

    fn limits(&mut self) -> &mut StoreLimits {
        &mut self.0
    }
}

/// A store that holds an empty WASI as well.
pub struct EmptyWasi {
    wasi: Wasi,
    limits: StoreLimits,
}

impl wasmtime_wasi::WasiView for EmptyWasi {
    fn ctx(&mut self) -> wasmtime_wasi::WasiCtxView<'_> {
        self.wasi.ctx()
    }
}

impl State for EmptyWasi {
    fn link(linker: &mut Linker<Self>, _: &Component) {
        wasmtime_wasi::p2::add_to_linker_sync(linker).expect("WASI");
    }

    fn new(limits: StoreLimits) -> Self {
        Self { wasi: Wasi::default(), limits }
    }

    fn limits(&mut self) -> &mut StoreLimits {
        &mut self.limits
    }
}

/// A component that is ready to be called.
pub struct Tuned<S: 'static> {
    engine: Engine,
    pre: InstancePre<S>,
    call: ComponentExportIndex,
}

impl<S: State> Tuned<S> {
    pub fn new(component: &[u8]) -> Self {
        let engine = engine();
        let component = Component::new(&engine, component).expect("it compiles");
        let mut linker = Linker::<S>::new(&engine);
        contract::link_log(&mut linker);
        S::link(&mut linker, &component);
        let call = contract::export(&component);
        let pre = linker.instantiate_pre(&component).expect("it links");
        Self { engine, pre, call }
    }

    pub fn call(&self) -> String {
        let limits = StoreLimitsBuilder::new().memory_size(64 << 20).build();
        let mut store = Store::new(&self.engine, S::new(limits));
        store.limiter(|state| state.limits() as &mut dyn ResourceLimiter);
        store.set_fuel(1_000_000_000).expect("fuel");
        store.set_epoch_deadline(30_000);
        let instance = self.pre.instantiate(&mut store).expect("an instance");
        let call = instance.get_typed_func::<(&str, &str), Answer>(&mut store, &self.call).expect("the call");
        let (result,) = call.call(&mut store, (TOOL, INPUT)).expect("an answer");
        result.ok().expect("a result")
    }
}

/// The settings of `host/runtime/src/sandbox/engine.rs`: who changes those changes these.
fn engine() -> Engine {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(SLOTS)
        .total_core_instances(SLOTS * 8)
        .total_memories(SLOTS * 2)
        .total_tables(SLOTS * 4)
        .table_elements(100_000)
        .total_stacks(SLOTS)
        .max_memory_size(usize::try_from(Ceilings::MEMORY_MAX).expect("a size"))
        .max_core_instances_per_component(64)
        .max_memories_per_component(8)
        .max_tables_per_component(64)
        .max_unused_warm_slots(SLOTS)
        .decommit_batch_size(1)
        .linear_memory_keep_resident(512 << 10)
        .table_keep_resident(64 << 10)
        .pagemap_scan(if swap_is_off() { Enabled::Auto } else { Enabled::No });
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .concurrency_support(false)
        .cranelift_opt_level(OptLevel::Speed)
        .native_unwind_info(false)
        .max_wasm_stack(1 << 20)
        .async_stack_size(2 << 20)
        .wasm_memory64(false)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(16))
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config).expect("an engine")
}

fn swap_is_off() -> bool {
    rustix::system::sysinfo().totalswap == 0
}
