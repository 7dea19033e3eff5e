//! The arms: the same component called through OpenClaw, and in the ways that it is compared with.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use openclaw_runtime::sandbox::{CompileLimits, Compiler};
use openclaw_runtime::{Dispatcher, Runtime, RuntimeOptions, ToolCall};
use openclaw_tests::Home;
use openclaw_tests::home::{binary, cache_dir};
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker, ResourceTable, Val};
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, ResourceLimiter, Store, StoreLimits,
    StoreLimitsBuilder,
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

const INPUT: &str = r#"{"name":"Ada"}"#;
const TOOLS: &str = "openclaw:skill/tools@1.0.0";

/// All arms over one component: what `openclaw skill new` writes and `openclaw skill build` builds.
pub struct Arms {
    _home: Home,
    tokio: tokio::runtime::Runtime,
    dispatcher: Arc<Dispatcher>,
    call: ToolCall,
    bare: Bare,
    untuned: Untuned,
}

impl Arms {
    pub fn prepare() -> Self {
        let home = Home::new();
        home.run(["skill", "new", "hello"]).json();
        let project = home.workspace().join("hello");
        home.run(["skill", "build", "hello"]).json();
        home.run(["skill", "pack", "hello", "--output", "hello.tar.gz"]).json();
        home.run(["install", "hello.tar.gz", "--yes"]).json();
        let component = std::fs::read(project.join("openclaw/skill.wasm")).expect("the component");

        let runtime = Runtime::open(RuntimeOptions {
            data_dir: home.data(),
            cache_dir: cache_dir(),
            compiler: Compiler {
                program: binary(),
                arguments: vec!["compile-component".to_owned()],
                limits: CompileLimits::default(),
            },
            concurrent_calls: 16,
        })
        .expect("the runtime starts");
        let call = ToolCall {
            tool: "acme/hello/greet".parse().expect("a name"),
            input: INPUT.to_owned(),
            caller: "bench".to_owned(),
            workspace: None,
        };
        let tokio = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a tokio runtime");
        Self {
            _home: home,
            tokio,
            dispatcher: Arc::clone(runtime.dispatcher()),
            call,
            bare: Bare::new(&component),
            untuned: Untuned::new(&component),
        }
    }

    /// Policy, schema check, fuel, limits, audit and JSON included.
    pub fn dispatched(&self) -> String {
        let result = self.tokio.block_on(self.dispatcher.call(self.call.clone()));
        result.expect("the call succeeds").output.get().to_owned()
    }

    /// `threads` threads, each making `calls` calls.
    pub fn dispatched_by(&self, threads: usize, calls: usize) {
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| (0..calls).for_each(|_| drop(self.dispatched())));
            }
        });
    }

    /// The floor: a tuned engine, a store, an instance, a call, and nothing else.
    pub fn bare(&self) -> String {
        self.bare.call()
    }

    /// What an embedding gets that takes wasmtime's defaults.
    pub fn untuned(&self) -> String {
        self.tokio.block_on(self.untuned.call())
    }

    /// The same, with everything linked anew for each call.
    pub fn linker_per_call(&self) -> String {
        self.tokio.block_on(self.untuned.call_linking())
    }

    /// Another program, to its end; none where it is not installed.
    pub fn program(command: &[&str]) -> Option<()> {
        let (program, arguments) = command.split_first()?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().ok().filter(std::process::ExitStatus::success).map(drop)
    }
}

/// Finds the export of a component that calls a tool.
fn export(component: &Component) -> ComponentExportIndex {
    let (_, tools) = component.get_export(None, TOOLS).expect("the tools");
    component.get_export(Some(&tools), "call").expect("the call").1
}

struct Bare {
    engine: Engine,
    pre: InstancePre<BareState>,
    call: ComponentExportIndex,
}

struct BareState {
    table: ResourceTable,
    limits: StoreLimits,
}

#[derive(wasmtime::component::ComponentType, wasmtime::component::Lift)]
#[component(variant)]
#[allow(dead_code, reason = "the type must have the contract's shape")]
enum ToolError {
    #[component(name = "unknown-tool")]
    UnknownTool,
    #[component(name = "invalid-input")]
    InvalidInput(String),
    #[component(name = "denied")]
    Denied(String),
    #[component(name = "failed")]
    Failed(String),
}

impl Bare {
    fn new(component: &[u8]) -> Self {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_memories(64)
            .total_tables(256)
            .total_core_instances(512)
            .total_component_instances(64)
            .max_unused_warm_slots(64)
            .decommit_batch_size(1)
            .max_memory_size(512 << 20)
            .linear_memory_keep_resident(512 << 10)
            .table_keep_resident(64 << 10)
            .pagemap_scan(wasmtime::Enabled::Auto);
        let mut config = Config::new();
        config
            .consume_fuel(true)
            .epoch_interruption(true)
            .concurrency_support(false)
            .native_unwind_info(false)
            .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        let engine = Engine::new(&config).expect("an engine");
        let component = Component::new(&engine, component).expect("it compiles");
        let mut linker = Linker::<BareState>::new(&engine);
        linker
            .instance("openclaw:skill/log@1.0.0")
            .and_then(|mut log| log.func_wrap("write", |_, (_, _): (Level, String)| Ok(())))
            .expect("the log");
        linker.define_unknown_imports_as_traps(&component).expect("the rest");
        let call = export(&component);
        let pre = linker.instantiate_pre(&component).expect("it links");
        Self { engine, pre, call }
    }

    fn call(&self) -> String {
        let limits = StoreLimitsBuilder::new().memory_size(64 << 20).build();
        let mut store = Store::new(&self.engine, BareState { table: ResourceTable::new(), limits });
        store.limiter(|state| &mut state.limits as &mut dyn ResourceLimiter);
        store.set_fuel(1_000_000_000).expect("fuel");
        store.set_epoch_deadline(30_000);
        let instance = self.pre.instantiate(&mut store).expect("an instance");
        let call = instance
            .get_typed_func::<(&str, &str), (Result<String, ToolError>,)>(&mut store, &self.call)
            .expect("the call");
        let (result,) = call.call(&mut store, ("greet", INPUT)).expect("an answer");
        assert!(store.data().table.is_empty());
        result.ok().expect("a result")
    }
}

#[derive(wasmtime::component::ComponentType, wasmtime::component::Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "the type must have the contract's shape")]
enum Level {
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

struct Untuned {
    engine: Engine,
    component: Component,
    pre: InstancePre<WasiState>,
    call: ComponentExportIndex,
}

struct WasiState {
    ctx: WasiCtx,
    table: ResourceTable,
}

impl WasiView for WasiState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.ctx, table: &mut self.table }
    }
}

impl Untuned {
    fn new(component: &[u8]) -> Self {
        let engine = Engine::default();
        let component = Component::new(&engine, component).expect("it compiles");
        let call = export(&component);
        let pre = Self::linker(&engine).instantiate_pre(&component).expect("it links");
        Self { engine, component, pre, call }
    }

    fn linker(engine: &Engine) -> Linker<WasiState> {
        let mut linker = Linker::new(engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("WASI");
        linker
            .instance("openclaw:skill/log@1.0.0")
            .and_then(|mut log| log.func_wrap("write", |_, (_, _): (Level, String)| Ok(())))
            .expect("the log");
        linker
    }

    async fn call(&self) -> String {
        self.call_in(&self.pre).await
    }

    async fn call_linking(&self) -> String {
        let pre = Self::linker(&self.engine).instantiate_pre(&self.component).expect("it links");
        self.call_in(&pre).await
    }

    async fn call_in(&self, pre: &InstancePre<WasiState>) -> String {
        let state = WasiState { ctx: WasiCtx::builder().build(), table: ResourceTable::new() };
        let mut store = Store::new(&self.engine, state);
        let instance = pre.instantiate_async(&mut store).await.expect("an instance");
        let call = instance.get_func(&mut store, self.call).expect("the call");
        let mut results = [Val::Bool(false)];
        let parameters = [Val::String("greet".into()), Val::String(INPUT.into())];
        call.call_async(&mut store, &parameters, &mut results).await.expect("an answer");
        match &results {
            [Val::Result(Ok(Some(text)))] => match &**text {
                Val::String(text) => text.clone(),
                other => unreachable!("{other:?}"),
            },
            other => unreachable!("{other:?}"),
        }
    }
}

/// Where the benchmark writes what it found.
pub fn report_path() -> PathBuf {
    PathBuf::from(env!("OPENCLAW_TESTS_TARGET")).join("call-ratios.md")
}
