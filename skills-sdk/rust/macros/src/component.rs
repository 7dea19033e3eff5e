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
    let host_process = manifest.process.then(host_process);
    let host_llm = manifest.llm.then(host_llm);
    let host_ask = manifest.ask.then(host_ask);
    let log = host_log();
    let guest = guest([manifest.memory, manifest.process, manifest.llm, manifest.ask].map(declared));
    quote! {
        // A second skill collides with this name, which says why.
        type __TheOneSkillOfTheCrate = #skill;

        // The macro beneath writes unsafe code and follows nobody's lints.
        #[cfg(target_family = "wasm")]
        #[doc(hidden)]
        #[allow(unsafe_code, unused, warnings, clippy::all, clippy::pedantic, clippy::restriction)]
        mod __openclaw_component {
            use ::openclaw_skill::{__private, ask, Error, ErrorKind, host, llm, log, memory, process};

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
            #host_process
            #host_llm
            #host_ask
            #guest

            export!(Host);
        }
    }
}

/// The host's side of an interface, if the manifest declares it.
fn declared(is_declared: bool) -> TokenStream {
    if is_declared {
        quote!(::core::option::Option::Some(&Host))
    } else {
        quote!(::core::option::Option::None)
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

            fn progress(&self, done: u64, total: ::core::option::Option<u64>, message: &str) {
                imported::log::progress(done, total, message);
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

            fn search(&self, query: &str, limit: u32) -> Result<Vec<memory::Hit>, memory::MemoryError> {
                let hits = imported::memory::search(query, limit).map_err(refused)?;
                Ok(hits.into_iter().map(|hit| memory::Hit { key: hit.key, snippet: hit.snippet }).collect())
            }
        }

        fn refused(error: imported::memory::Error) -> memory::MemoryError {
            match error {
                imported::memory::Error::Denied(text) => memory::MemoryError::Denied(text),
                imported::memory::Error::QuotaExceeded(quota) => memory::MemoryError::QuotaExceeded(quota),
                imported::memory::Error::InvalidKey => memory::MemoryError::InvalidKey,
                imported::memory::Error::InvalidQuery => memory::MemoryError::InvalidQuery,
                imported::memory::Error::Unavailable(text) => memory::MemoryError::Unavailable(text),
            }
        }
    }
}

fn host_llm() -> TokenStream {
    quote! {
        impl host::Llm for Host {
            fn complete(&self, request: &llm::LlmRequest) -> Result<llm::Completion, llm::LlmError> {
                let request = imported::llm::Request {
                    system: request.system.clone(),
                    prompt: request.prompt.clone(),
                    max_tokens: request.max_tokens,
                };
                let completion = imported::llm::complete(&request).map_err(unanswered)?;
                Ok(llm::Completion {
                    text: completion.text,
                    input_tokens: completion.input_tokens,
                    output_tokens: completion.output_tokens,
                })
            }

            fn is_available(&self) -> bool {
                imported::llm::is_available()
            }
        }

        fn unanswered(error: imported::llm::Error) -> llm::LlmError {
            match error {
                imported::llm::Error::Denied(text) => llm::LlmError::Denied(text),
                imported::llm::Error::QuotaExceeded(left) => llm::LlmError::QuotaExceeded(left),
                imported::llm::Error::Unavailable(text) => llm::LlmError::Unavailable(text),
            }
        }
    }
}

fn host_ask() -> TokenStream {
    quote! {
        impl host::Ask for Host {
            fn question(&self, text: &str, choices: &[String]) -> Result<String, ask::AskError> {
                imported::ask::question(text, choices).map_err(not_asked)
            }

            fn is_available(&self) -> bool {
                imported::ask::is_available()
            }
        }

        fn not_asked(error: imported::ask::Error) -> ask::AskError {
            match error {
                imported::ask::Error::Denied(text) => ask::AskError::Denied(text),
                imported::ask::Error::Nobody => ask::AskError::Nobody,
                imported::ask::Error::Dismissed => ask::AskError::Dismissed,
                imported::ask::Error::TooMany => ask::AskError::TooMany,
                imported::ask::Error::Unavailable(text) => ask::AskError::Unavailable(text),
            }
        }
    }
}

fn host_process() -> TokenStream {
    let streams = streams();
    quote! {
        impl host::Process for Host {
            fn run(&self, command: &host::Command, input: &[u8]) -> Result<host::Ran, process::ProcessError> {
                let output = imported::process::run(&lowered(command), input).map_err(not_run)?;
                Ok(host::Ran {
                    exit: ended(output.exit),
                    stdout: output.stdout,
                    stderr: output.stderr,
                    held_back: output.held_back,
                })
            }

            fn spawn(&self, command: &host::Command) -> Result<Box<dyn host::Child>, process::ProcessError> {
                let child = imported::process::spawn(&lowered(command)).map_err(not_run)?;
                Ok(Box::new(Child(child)))
            }
        }

        struct Child(imported::process::Child);

        impl host::Child for Child {
            fn stdin(&self) -> Option<Box<dyn io::Write>> {
                self.0.stdin().map(|stream| Box::new(Writing(stream)) as Box<dyn io::Write>)
            }

            fn stdout(&self) -> Option<Box<dyn io::Read>> {
                self.0.stdout().map(|stream| Box::new(Reading(stream)) as Box<dyn io::Read>)
            }

            fn stderr(&self) -> Option<Box<dyn io::Read>> {
                self.0.stderr().map(|stream| Box::new(Reading(stream)) as Box<dyn io::Read>)
            }

            fn wait(&self) -> process::Exit {
                ended(self.0.wait())
            }

            fn kill(&self) {
                self.0.kill();
            }
        }

        #streams

        fn lowered(command: &host::Command) -> imported::process::Command {
            let milliseconds = |time: ::core::time::Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
            imported::process::Command {
                program: command.program.clone(),
                arguments: command.arguments.clone(),
                environment: command.environment.clone(),
                directory: command.directory.clone(),
                timeout_ms: command.timeout.map(milliseconds),
            }
        }

        fn ended(exit: imported::process::Exit) -> process::Exit {
            use imported::process::StopReason;
            match exit {
                imported::process::Exit::Code(code) => process::Exit::Code(code),
                imported::process::Exit::Signal(signal) => process::Exit::Signal(signal),
                imported::process::Exit::Stopped(reason) => process::Exit::Stopped(match reason {
                    StopReason::Deadline => process::StopReason::Deadline,
                    StopReason::Output => process::StopReason::Output,
                    StopReason::Memory => process::StopReason::Memory,
                    StopReason::Processes => process::StopReason::Processes,
                    StopReason::Disk => process::StopReason::Disk,
                    StopReason::Killed => process::StopReason::Killed,
                    StopReason::Lost => process::StopReason::Lost,
                }),
            }
        }

        fn not_run(error: imported::process::Error) -> process::ProcessError {
            match error {
                imported::process::Error::Denied(text) => process::ProcessError::Denied(text),
                imported::process::Error::TooMany => process::ProcessError::TooMany,
                imported::process::Error::Unavailable(text) => process::ProcessError::Unavailable(text),
            }
        }
    }
}

/// Streams of `wasi:io` as the standard library has them.
fn streams() -> TokenStream {
    quote! {
        use ::std::io;
        use wasi::io::streams;

        /// The contract takes no more at once.
        const MOST_WRITTEN: usize = 4096;
        const MOST_READ: usize = 65536;

        struct Writing(streams::OutputStream);

        impl io::Write for Writing {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let piece = &bytes[..bytes.len().min(MOST_WRITTEN)];
                self.0.blocking_write_and_flush(piece).map_err(|error| match error {
                    streams::StreamError::Closed => io::ErrorKind::BrokenPipe.into(),
                    streams::StreamError::LastOperationFailed(error) => io::Error::other(error.to_debug_string()),
                })?;
                Ok(piece.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                // Each piece is flushed as it is written.
                Ok(())
            }
        }

        struct Reading(streams::InputStream);

        impl io::Read for Reading {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if buffer.is_empty() {
                    return Ok(0);
                }
                loop {
                    match self.0.blocking_read(buffer.len().min(MOST_READ) as u64) {
                        // Nothing yet, which for a reader would be the end.
                        Ok(bytes) if bytes.is_empty() => {}
                        Ok(bytes) => {
                            buffer[..bytes.len()].copy_from_slice(&bytes);
                            return Ok(bytes.len());
                        }
                        Err(streams::StreamError::Closed) => return Ok(0),
                        Err(streams::StreamError::LastOperationFailed(error)) => {
                            return Err(io::Error::other(error.to_debug_string()));
                        }
                    }
                }
            }
        }
    }
}

fn guest([memory, process, llm, ask]: [TokenStream; 4]) -> TokenStream {
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
                let skill = __private::answer::<super::__TheOneSkillOfTheCrate>;
                skill(&Host, #memory, #process, #llm, #ask, &name, &input).map_err(failed)
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
