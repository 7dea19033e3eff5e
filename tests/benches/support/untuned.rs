//! What an embedding gets that takes wasmtime's defaults: slots on demand, WASI, async, values by name.

use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker, ResourceTable, Val};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::contract;
use super::project::{INPUT, TOOL};

/// A WASI that holds nothing.
pub struct Wasi {
    ctx: WasiCtx,
    table: ResourceTable,
}

impl Default for Wasi {
    fn default() -> Self {
        Self { ctx: WasiCtx::builder().build(), table: ResourceTable::new() }
    }
}

impl WasiView for Wasi {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.ctx, table: &mut self.table }
    }
}

/// A component that is ready to be called.
pub struct Untuned {
    engine: Engine,
    component: Component,
    pre: InstancePre<Wasi>,
    call: ComponentExportIndex,
}

impl Untuned {
    pub fn new(component: &[u8]) -> Self {
        let engine = Engine::default();
        let component = Component::new(&engine, component).expect("it compiles");
        let call = contract::export(&component);
        let pre = linker(&engine).instantiate_pre(&component).expect("it links");
        Self { engine, component, pre, call }
    }

    pub async fn call(&self) -> String {
        self.call_in(&self.pre).await
    }

    /// The same, with everything linked anew.
    pub async fn call_linking(&self) -> String {
        let pre = linker(&self.engine).instantiate_pre(&self.component).expect("it links");
        self.call_in(&pre).await
    }

    async fn call_in(&self, pre: &InstancePre<Wasi>) -> String {
        let mut store = Store::new(&self.engine, Wasi::default());
        let instance = pre.instantiate_async(&mut store).await.expect("an instance");
        let call = instance.get_func(&mut store, self.call).expect("the call");
        let mut results = [Val::Bool(false)];
        let parameters = [Val::String(TOOL.into()), Val::String(INPUT.into())];
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

fn linker(engine: &Engine) -> Linker<Wasi> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("WASI");
    contract::link_log(&mut linker);
    linker
}
