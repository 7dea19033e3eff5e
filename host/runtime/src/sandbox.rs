//! The engine: prepares a component once, then runs each call in a fresh store under its limits.

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openclaw_package::digest::Digest;
use openclaw_package::permission::Requests;
use serde::{Deserialize, Serialize};
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, TypedFunc};
use wasmtime::{Engine, Store};

mod artefacts;
pub(crate) mod baseline;
mod cache;
mod compile;
mod engine;
mod fault;
mod limits;
mod linker;
mod non_waiting;
mod state;
mod sweeper;
mod turns;

pub(crate) use artefacts::Artefacts;
pub use cache::CacheError;
pub use compile::{CompileError, CompileLimits, Compiler, run_compiler_child};
pub(crate) use engine::Slots;
pub use engine::THREAD_STACK;
pub use fault::Fault;
pub use limits::{Ceilings, Cut, Limits};
pub(crate) use state::{CallState, Held};

use crate::bindings::exports::openclaw::skill::tools::{Tool, ToolError};
use crate::cancel::Cancel;
use engine::Ticker;
use fault::{Cancelled, DeadlinePassed};
use linker::Waits;
use sweeper::Sweeper;
use turns::{Pace, Turns};

type CallFunc<'a> = TypedFunc<(&'a str, &'a str), (Result<String, ToolError>,)>;
type ListFunc = TypedFunc<(), (Vec<Tool>,)>;

/// The name under which every skill exports its tools.
const TOOLS_INTERFACE: &str = "openclaw:skill/tools@1.0.0";

/// What a [`Sandbox`] needs to exist.
#[derive(Debug)]
pub struct SandboxOptions {
    /// Where compiled components are kept; created with mode 0700.
    pub cache_dir: std::path::PathBuf,
    /// How components are compiled.
    pub compiler: Compiler,
    /// How many calls may run at once; the pool has room for all that these may hold.
    pub concurrent_calls: u32,
}

/// Compiles, caches and runs components. One for the life of the process.
#[derive(Debug)]
pub struct Sandbox {
    artefacts: Artefacts,
    runner: Runner,
}

/// Runs components that were compiled: the engine, and what keeps its calls to their limits.
#[derive(Debug)]
pub(crate) struct Runner {
    engine: Engine,
    ticker: Ticker,
    turns: Arc<Turns>,
    /// None where the thread that calls takes all stores apart itself.
    sweeper: Option<Sweeper>,
}

/// Why a component could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The engine itself could not be set up on this machine.
    #[error("the sandbox engine cannot start on this machine: {0:#}")]
    Engine(wasmtime::Error),
    /// The artefact cache cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The component did not compile within its limits.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// It was given up halfway.
    #[error("the component was not made ready: {0}")]
    Interrupted(String),
    /// This machine cannot give a skill a confined process.
    #[error("level isolated is not available: {0}")]
    Isolation(String),
    /// The component does not fit the host's interfaces.
    #[error("the component does not fit this host: {0:#}")]
    Link(wasmtime::Error),
}

impl PrepareError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Engine(_) => "engine-unavailable",
            Self::Cache(_) => "cache-unavailable",
            Self::Compile(error) => error.code(),
            Self::Interrupted(_) => "host-failure",
            Self::Isolation(_) => "isolation-unavailable",
            Self::Link(_) => "component-does-not-link",
        }
    }

    /// What to do next, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Cache(error) => Some(error.hint()),
            _ => None,
        }
    }
}

/// A component that is compiled and linked: each call costs a store and nothing else.
pub struct Prepared {
    pre: InstancePre<CallState>,
    list: ComponentExportIndex,
    call: ComponentExportIndex,
    waits: Waits,
    seed: [u8; 32],
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("waits", &self.waits).finish_non_exhaustive()
    }
}

/// What a call used, whether it succeeded or not.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Spent {
    /// Fuel burnt, instantiation included: about one per WebAssembly instruction.
    pub fuel: u64,
    /// Most bytes that the memories and tables of the store held.
    pub memory_bytes: u64,
    /// Time from store to result.
    pub duration: Duration,
}

/// What a call left behind: its answer and the state that tells what it did.
pub(crate) struct Finished<T> {
    pub(crate) answer: Result<T, Fault>,
    pub(crate) spent: Spent,
    pub(crate) state: CallState,
}

impl Sandbox {
    /// Starts the engine and opens the artefact cache.
    ///
    /// # Errors
    /// [`PrepareError::Engine`] where the machine cannot give what the engine needs (address space, signals), and
    /// [`PrepareError::Cache`] where the cache directory cannot be made or is not ours.
    pub fn new(options: SandboxOptions) -> Result<Self, PrepareError> {
        let slots = Slots::for_calls(options.concurrent_calls).and(Sweeper::STORES);
        let engine = engine::pooled(slots).map_err(PrepareError::Engine)?;
        let artefacts = Artefacts::open(&options.cache_dir, options.compiler, &engine)?;
        Ok(Self { artefacts, runner: Runner { sweeper: Some(Sweeper::default()), ..Runner::new(engine) } })
    }

    /// Where compiled components are kept.
    pub(crate) fn cache_dir(&self) -> &std::path::Path {
        self.artefacts.dir()
    }

    /// What runs components that were made ready.
    pub(crate) fn runner(&self) -> &Runner {
        &self.runner
    }

    /// Makes a component ready: takes the artefact from the cache or compiles it, and links what
    /// the manifest requests.
    ///
    /// `digest` must be that of `bytes`.
    ///
    /// # Errors
    /// See [`PrepareError`].
    pub fn prepare(
        &self,
        bytes: &[u8],
        digest: Digest,
        requests: &Requests,
    ) -> Result<Prepared, PrepareError> {
        let engine = &self.runner.engine;
        let component = match artefacts::load(engine, &self.artefacts.get(bytes, digest)?) {
            Ok(component) => component,
            // One of this host that the engine does not take, as from another processor, is made again.
            Err(_) => {
                artefacts::load(engine, &self.artefacts.make(bytes, digest)?).map_err(PrepareError::Link)?
            }
        };
        Prepared::link(engine, &component, digest, requests)
    }
}

impl Prepared {
    /// Loads an artefact that [`Artefacts`] gave, and links what the manifest requests.
    ///
    /// # Errors
    /// [`PrepareError::Link`].
    pub(crate) fn load(
        engine: &Engine,
        artefact: &File,
        digest: Digest,
        requests: &Requests,
    ) -> Result<Self, PrepareError> {
        let component = artefacts::load(engine, artefact).map_err(PrepareError::Link)?;
        Self::link(engine, &component, digest, requests)
    }

    fn link(
        engine: &Engine,
        component: &Component,
        digest: Digest,
        requests: &Requests,
    ) -> Result<Self, PrepareError> {
        let (linker, waits) = linker::for_requests(engine, requests).map_err(PrepareError::Link)?;
        let pre = linker.instantiate_pre(component).map_err(PrepareError::Link)?;
        let export = |name: &str| {
            let (_, tools) = component.get_export(None, TOOLS_INTERFACE)?;
            component.get_export(Some(&tools), name).map(|(_, index)| index)
        };
        match (export("list"), export("call")) {
            (Some(list), Some(call)) => Ok(Self { pre, list, call, waits, seed: *digest.as_bytes() }),
            _ => Err(PrepareError::Link(wasmtime::format_err!("it does not export {TOOLS_INTERFACE}"))),
        }
    }
}

/// The engine of a process that makes one call at a time.
///
/// # Errors
/// [`PrepareError::Engine`].
pub(crate) fn engine_for_one_call() -> Result<Engine, PrepareError> {
    engine::pooled(Slots::ONE_CALL).map_err(PrepareError::Engine)
}

/// An engine that only tells artefacts apart.
///
/// # Errors
/// [`PrepareError::Engine`].
pub(crate) fn engine_without_pool() -> Result<Engine, PrepareError> {
    engine::comparing().map_err(PrepareError::Engine)
}

impl Runner {
    /// Starts the ticker of an engine.
    pub(crate) fn new(engine: Engine) -> Self {
        let ticker = Ticker::start(&engine);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { engine, ticker, turns: Arc::new(Turns::new(cores)), sweeper: None }
    }

    /// Asks the component which tools it has, with nothing granted.
    pub(crate) async fn list(&self, skill: &Prepared, held: Held, limits: &Limits) -> Finished<Vec<Tool>> {
        let cancel = Cancel::default();
        self.run(skill, held, limits, &cancel, Function::List).await.map(|answer| match answer {
            Answer::Tools(tools) => Ok(tools),
            Answer::Result(_) => Err(Fault::host("the wrong function answered")),
        })
    }

    /// Calls a tool in a fresh store, until it answers or is cancelled.
    pub(crate) async fn call(
        &self,
        skill: &Prepared,
        held: Held,
        limits: &Limits,
        cancel: &Cancel,
        (tool, input): (&str, &str),
    ) -> Finished<Result<String, ToolError>> {
        self.run(skill, held, limits, cancel, Function::Call(tool, input)).await.map(|answer| match answer {
            Answer::Result(result) => Ok(result),
            Answer::Tools(_) => Err(Fault::host("the wrong function answered")),
        })
    }

    async fn run(
        &self,
        skill: &Prepared,
        held: Held,
        limits: &Limits,
        cancel: &Cancel,
        function: Function<'_>,
    ) -> Finished<Answer> {
        let begun = Instant::now();
        let deadline = begun + limits.timeout;
        let pace = Pace::new(&self.turns, cancel.clone(), deadline);
        let state = CallState::new(held, limits, skill.seed, function.text(), pace, skill.waits);
        let mut store = Store::new(&self.engine, state);
        let _ticking = self.ticker.tick();
        if let Err(error) = arm(&mut store, limits) {
            return self.finish(store, Err(Fault::host(format!("{error:#}"))), limits, begun);
        }
        let answer = match skill.waits {
            Waits::Never if has_room() => function.run(skill, &mut store),
            _ => {
                tokio::select! {
                    biased;
                    answer = function.run_async(skill, &mut store) => answer,
                    () = cancel.given() => Err(Cancelled.into()),
                    () = tokio::time::sleep_until(deadline.into()) => Err(DeadlinePassed.into()),
                }
            }
        };
        let answer = answer.map_err(|error| Fault::classify(&error, store.data(), limits));
        self.finish(store, answer, limits, begun)
    }

    fn finish<T>(
        &self,
        mut store: Store<CallState>,
        answer: Result<T, Fault>,
        limits: &Limits,
        begun: Instant,
    ) -> Finished<T> {
        let fuel = limits.fuel.saturating_sub(store.get_fuel().unwrap_or(0));
        let memory_bytes = store.data().totals.peak();
        let state = match &self.sweeper {
            Some(sweeper) if Sweeper::wants(memory_bytes) => {
                // Whatever the call held is dropped with it: what is swept is memory, and nothing else.
                let pace = Pace::new(&self.turns, Cancel::default(), begun);
                let nothing = CallState::new(Held::default(), limits, [0; 32], ("", ""), pace, Waits::Never);
                let state = std::mem::replace(store.data_mut(), nothing);
                sweeper.sweep(store);
                state
            }
            _ => store.into_data(),
        };
        Finished { answer, spent: Spent { fuel, memory_bytes, duration: begun.elapsed() }, state }
    }
}

/// Whether this thread has the stack that a call needs: a guest that went beyond it would take the process down.
fn has_room() -> bool {
    stacker::remaining_stack().is_some_and(|left| left >= engine::CALL_STACK)
}

/// Puts the limits of a call on its store.
fn arm(store: &mut Store<CallState>, limits: &Limits) -> wasmtime::Result<()> {
    store.limiter(|state| &mut state.totals);
    store.set_hostcall_fuel(limits::HOSTCALL_BYTES);
    store.set_max_component_handles(limits::COMPONENT_HANDLES);
    store.set_fuel(limits.fuel)?;
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut store| store.data_mut().pace.tick());
    Ok(())
}

impl<T> Finished<T> {
    fn map<U>(self, f: impl FnOnce(T) -> Result<U, Fault>) -> Finished<U> {
        Finished { answer: self.answer.and_then(f), spent: self.spent, state: self.state }
    }
}

/// Which export is called.
#[derive(Clone, Copy)]
enum Function<'a> {
    List,
    Call(&'a str, &'a str),
}

enum Answer {
    Tools(Vec<Tool>),
    Result(Result<String, ToolError>),
}

impl<'a> Function<'a> {
    /// What distinguishes one call from another, for the seed of guest hash maps.
    fn text(self) -> (&'a str, &'a str) {
        match self {
            Self::List => ("", ""),
            Self::Call(tool, input) => (tool, input),
        }
    }

    fn run(self, skill: &Prepared, store: &mut Store<CallState>) -> wasmtime::Result<Answer> {
        let instance = skill.pre.instantiate(&mut *store)?;
        match self {
            Self::List => {
                let list: ListFunc = instance.get_typed_func(&mut *store, skill.list)?;
                list.call(store, ()).map(|(tools,)| Answer::Tools(tools))
            }
            Self::Call(tool, input) => {
                let call: CallFunc<'_> = instance.get_typed_func(&mut *store, skill.call)?;
                call.call(store, (tool, input)).map(|(result,)| Answer::Result(result))
            }
        }
    }

    async fn run_async(self, skill: &Prepared, store: &mut Store<CallState>) -> wasmtime::Result<Answer> {
        let instance = skill.pre.instantiate_async(&mut *store).await?;
        match self {
            Self::List => {
                let list: ListFunc = instance.get_typed_func(&mut *store, skill.list)?;
                list.call_async(store, ()).await.map(|(tools,)| Answer::Tools(tools))
            }
            Self::Call(tool, input) => {
                let call: CallFunc<'_> = instance.get_typed_func(&mut *store, skill.call)?;
                call.call_async(store, (tool, input)).await.map(|(result,)| Answer::Result(result))
            }
        }
    }
}

/// A sandbox is shared by every thread that calls.
const _: fn() = || {
    fn shared<T: Send + Sync>() {}
    shared::<Arc<Sandbox>>();
};
