//! The wasmtime engine's configuration, and the ticker that gives its epochs a pace.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

use wasmtime::{
    Config, Enabled, Engine, EngineWeak, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
};

use super::limits::{self, Ceilings};

/// How often the epoch advances: how often a guest that computes is looked at, and so how late it is stopped.
const TICK: Duration = Duration::from_millis(1);
/// Idle ticks after which the ticker sleeps until the next call.
const IDLE_TICKS: u32 = 100;

/// Bytes of stack that a guest may use: enough for some 2,000 frames of an interpreter within it.
const GUEST_STACK: usize = 2 << 20;
/// Bytes of stack that a call needs: the guest's, and what the host needs while the guest calls it.
pub(super) const CALL_STACK: usize = GUEST_STACK + (1 << 20);
/// Bytes of stack for threads that make calls. On a thread with less a call is made on a stack of its own, which takes some
/// microseconds more.
pub const THREAD_STACK: usize = 4 << 20;

/// Room for instances in an engine's pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slots(u32);

impl Slots {
    /// For a process that makes one call after the other.
    pub(crate) const ONE_CALL: Self = Self(1);

    /// For this many calls at once.
    pub(crate) fn for_calls(concurrent_calls: u32) -> Self {
        Self(concurrent_calls.max(1))
    }

    /// For so many stores more.
    pub(super) fn and(self, stores: u32) -> Self {
        Self(self.0.saturating_add(stores))
    }
}

/// The engine that runs calls: slots are pooled and kept warm.
pub(super) fn pooled(Slots(slots): Slots) -> wasmtime::Result<Engine> {
    let mut config = running();
    let mut pool = PoolingAllocationConfig::new();
    // An exhausted pool is an error and not a queue: all calls at once may have all that each may have.
    pool.total_component_instances(slots)
        .total_core_instances(slots.saturating_mul(limits::CORE_INSTANCES))
        .total_memories(slots.saturating_mul(limits::MEMORIES))
        .total_tables(slots.saturating_mul(limits::TABLES))
        .table_elements(100_000)
        .total_stacks(slots)
        .max_memory_size(usize::try_from(Ceilings::MEMORY_MAX)?)
        .max_core_instances_per_component(limits::CORE_INSTANCES)
        .max_memories_per_component(limits::MEMORIES)
        .max_tables_per_component(limits::TABLES)
        .max_unused_warm_slots(slots.saturating_mul(limits::MEMORIES))
        .decommit_batch_size(1)
        .linear_memory_keep_resident(512 << 10)
        .table_keep_resident(64 << 10)
        // A dirty page that was swapped out would not be seen, and so not be reset.
        .pagemap_scan(if swap_is_off() { Enabled::Auto } else { Enabled::No });
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

/// An engine like [`pooled`], without the pool's address space: it tells artefacts apart.
pub(super) fn comparing() -> wasmtime::Result<Engine> {
    Engine::new(&running())
}

/// The engine that only compiles, for [`pooled`].
pub(super) fn compiling() -> wasmtime::Result<Engine> {
    let mut config = common();
    config.cranelift_opt_level(OptLevel::Speed);
    Engine::new(&config)
}

/// Where guests run, nothing is compiled: no compiler is set up, which takes time and memory.
fn running() -> Config {
    let mut config = common();
    config.enable_compiler(false);
    config
}

fn common() -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .concurrency_support(false)
        .native_unwind_info(false)
        .max_wasm_stack(GUEST_STACK)
        .async_stack_size(CALL_STACK)
        .wasm_memory64(false)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(16));
    config
}

fn swap_is_off() -> bool {
    rustix::system::sysinfo().totalswap == 0
}

/// Advances the engine's epoch while calls run; sleeps while none do.
#[derive(Debug)]
pub(super) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Debug, Default)]
struct Shared {
    running: AtomicUsize,
    asleep: AtomicBool,
    ended: AtomicBool,
}

impl Ticker {
    pub(super) fn start(engine: &Engine) -> Self {
        let shared = Arc::new(Shared::default());
        let (weak, theirs) = (engine.weak(), Arc::clone(&shared));
        let handle = std::thread::spawn(move || advance(&weak, &theirs));
        Self { shared, thread: handle.thread().clone() }
    }

    /// Keeps the epoch advancing until the answer is dropped.
    pub(super) fn tick(&self) -> Ticking<'_> {
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Ticking(&self.shared)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

/// A call is running.
pub(super) struct Ticking<'a>(&'a Shared);

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

fn advance(engine: &EngineWeak, shared: &Shared) {
    let mut idle = 0;
    let (mut begun, mut told) = (Instant::now(), 0);
    while !shared.ended.load(Ordering::SeqCst) {
        std::thread::sleep(TICK);
        let Some(engine) = engine.upgrade() else { return };
        // Sleeps are late, the more so the busier the machine is: what counts is the time that passed.
        let due = begun.elapsed().as_millis() / TICK.as_millis();
        while told < due {
            engine.increment_epoch();
            told += 1;
        }
        idle = if shared.running.load(Ordering::SeqCst) == 0 { idle + 1 } else { 0 };
        if idle > IDLE_TICKS {
            shared.asleep.store(true, Ordering::SeqCst);
            // A call that began before the flag was seen keeps the ticker awake.
            while shared.running.load(Ordering::SeqCst) == 0 && !shared.ended.load(Ordering::SeqCst) {
                std::thread::park();
            }
            shared.asleep.store(false, Ordering::SeqCst);
            idle = 0;
            (begun, told) = (Instant::now(), 0);
        }
    }
}
