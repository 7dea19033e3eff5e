//! The component's side of a skill: bindings, and the glue between them and the SDK.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Type;

use crate::manifest::Manifest;
use crate::world;

/// A module that exports the skill's tools; it exists in WebAssembly builds only.
pub(crate) fn module(manifest: &Manifest, skill: &Type) -> TokenStream {
    let wit = world::wit(manifest);
    let world = world::world_name(manifest);
    let host_memory = manifest.memory.then(host_memory);
    let memory = if manifest.memory {
        quote!(::core::option::Option::Some(&Host))
    } else {
        quote!(::core::option::Option::None)
    };
    let log = host_log();
    let guest = guest(&memory);
    quote! {
        // A second skill collides with this name, which says why.
        type __TheOneSkillOfTheCrate = #skill;

        // The macro beneath writes unsafe code and follows nobody's lints.
        #[cfg(target_family = "wasm")]
        #[doc(hidden)]
        #[allow(unsafe_code, unused, warnings, clippy::all, clippy::pedantic, clippy::restriction)]
        mod __openclaw_component {
            use ::openclaw_skill::{__private, Error, ErrorKind, host, log, memory};

            // The empty path keeps it from reading a directory `wit` of the author's.
            ::openclaw_skill::wit_bindgen::generate!({
                inline: #wit,
                path: [],
                world: #world,
                generate_all,
                runtime_path: "::openclaw_skill::wit_bindgen::rt",
            });

            use exports::openclaw::skill::tools as exported;
            use openclaw::skill as imported;

            struct Host;

            #log
            #host_memory
            #guest

            export!(Host);
        }
    }
}

fn host_log() -> TokenStream {
    quote! {
        impl host::Log for Host {
            fn write(&self, level: log::Level, message: &str) {
                let level = match level {
                    log::Level::Trace => imported::log::Level::Trace,
                    log::Level::Debug => imported::log::Level::Debug,
                    log::Level::Info => imported::log::Level::Info,
                    log::Level::Warn => imported::log::Level::Warn,
                    log::Level::Error => imported::log::Level::Error,
                };
                imported::log::write(level, message);
            }
        }
    }
}

fn host_memory() -> TokenStream {
    quote! {
        impl host::Memory for Host {
            fn get(&self, key: &str) -> Result<Option<Vec<u8>>, memory::MemoryError> {
                imported::memory::get(key).map_err(refused)
            }

            fn set(&self, key: &str, value: &[u8]) -> Result<(), memory::MemoryError> {
                imported::memory::set(key, value).map_err(refused)
            }

            fn delete(&self, key: &str) -> Result<bool, memory::MemoryError> {
                imported::memory::delete(key).map_err(refused)
            }

            fn list_keys(
                &self,
                prefix: &str,
                after: Option<&str>,
                limit: u32,
            ) -> Result<Vec<String>, memory::MemoryError> {
                imported::memory::list_keys(prefix, after, limit).map_err(refused)
            }
        }

        fn refused(error: imported::memory::Error) -> memory::MemoryError {
            match error {
                imported::memory::Error::Denied(text) => memory::MemoryError::Denied(text),
                imported::memory::Error::QuotaExceeded(quota) => memory::MemoryError::QuotaExceeded(quota),
                imported::memory::Error::InvalidKey => memory::MemoryError::InvalidKey,
                imported::memory::Error::Unavailable(text) => memory::MemoryError::Unavailable(text),
            }
        }
    }
}

fn guest(memory: &TokenStream) -> TokenStream {
    quote! {
        impl exported::Guest for Host {
            fn list() -> Vec<exported::Tool> {
                let tools = __private::list::<super::__TheOneSkillOfTheCrate>(&Host);
                tools
                    .into_iter()
                    .map(|tool| exported::Tool {
                        name: tool.name,
                        description: tool.description,
                        input_schema: tool.input_schema,
                        output_schema: tool.output_schema,
                    })
                    .collect()
            }

            fn call(name: String, input: String) -> Result<String, exported::ToolError> {
                __private::answer::<super::__TheOneSkillOfTheCrate>(&Host, #memory, &name, &input).map_err(failed)
            }
        }

        fn failed(error: Error) -> exported::ToolError {
            let text = error.message().to_owned();
            match error.kind() {
                ErrorKind::UnknownTool => exported::ToolError::UnknownTool,
                ErrorKind::InvalidInput => exported::ToolError::InvalidInput(text),
                ErrorKind::Denied => exported::ToolError::Denied(text),
                _ => exported::ToolError::Failed(text),
            }
        }
    }
}
