//! The host's side of the contract in `wit/`: the one place where bindings are generated.

wasmtime::component::bindgen!({
    path: "../../wit",
    inline: "
        package openclaw:host;
        world host {
            include openclaw:skill/skill@1.0.0;
            include openclaw:skill/with-memory@1.0.0;
            include openclaw:skill/with-llm@1.0.0;
            include openclaw:skill/with-ask@1.0.0;
            include openclaw:skill/with-filesystem@1.0.0;
            include openclaw:skill/with-process@1.0.0;
        }
    ",
    imports: {
        "openclaw:skill/ask.question": async | trappable,
        "openclaw:skill/llm.complete": async | trappable,
        "openclaw:skill/process.run": async | trappable,
        "openclaw:skill/process.spawn": async | trappable,
        "openclaw:skill/process.[method]child.wait": async | trappable,
        default: trappable,
    },
    require_store_data_send: true,
    trappable_error_type: {
        "wasi:filesystem/types.error-code" => crate::capability::filesystem::FsError,
    },
    with: {
        // Streams, polls and times are shared with `wasi:http`, whose host implementation names these types.
        "wasi:io": wasmtime_wasi::p2::bindings::io,
        "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
        "openclaw:skill/process.child": crate::capability::process::Child,
        "wasi:filesystem/types.descriptor": crate::capability::filesystem::Descriptor,
        "wasi:filesystem/types.directory-entry-stream": crate::capability::filesystem::DirectoryEntryStream,
    },
});
