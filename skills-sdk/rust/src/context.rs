//! What a tool is given beside its input.

use std::path::Path;

use crate::ask::Ask;
#[cfg(not(target_family = "wasm"))]
use crate::fake::FakeHost;
use crate::host;
use crate::llm::Llm;
use crate::log::Log;
use crate::memory::Store;
use crate::process::Process;

/// What a tool is given beside its input: the log, and what the manifest declares.
///
/// `memory()`, `llm()`, `ask()`, `process()`, `data_dir()` and `workspace()` come with the traits of
/// [`permission`](crate::permission).
pub struct Context {
    host: Backing,
}

/// Where the context's answers come from.
enum Backing {
    Host(Host),
    #[cfg(not(target_family = "wasm"))]
    Fake(Box<FakeHost>),
}

/// The interfaces of the real host.
pub(crate) struct Host {
    pub(crate) log: &'static dyn host::Log,
    /// None where the manifest declares no memory.
    pub(crate) memory: Option<&'static dyn host::Memory>,
    /// None where the manifest declares no program.
    pub(crate) process: Option<&'static dyn host::Process>,
    /// None where the manifest declares no language model.
    pub(crate) llm: Option<&'static dyn host::Llm>,
    /// None where the manifest declares no questions.
    pub(crate) ask: Option<&'static dyn host::Ask>,
}

impl Context {
    #[cfg_attr(not(target_family = "wasm"), expect(dead_code, reason = "only a component has a host"))]
    pub(crate) fn of_host(host: Host) -> Self {
        Self { host: Backing::Host(host) }
    }

    /// The skill's log.
    #[must_use]
    pub fn log(&self) -> Log<'_> {
        Log::new(match &self.host {
            Backing::Host(host) => host.log,
            #[cfg(not(target_family = "wasm"))]
            Backing::Fake(fake) => &**fake,
        })
    }

    pub(crate) fn store(&self) -> Store<'_> {
        Store::new(match &self.host {
            Backing::Host(host) => host.memory.map(|memory| memory as &dyn host::Memory),
            #[cfg(not(target_family = "wasm"))]
            Backing::Fake(fake) => Some(&**fake),
        })
    }

    pub(crate) fn programs(&self) -> Process<'_> {
        Process::new(match &self.host {
            Backing::Host(host) => host.process.map(|process| process as &dyn host::Process),
            #[cfg(not(target_family = "wasm"))]
            Backing::Fake(fake) => Some(fake.programs()),
        })
    }

    pub(crate) fn model(&self) -> Llm<'_> {
        Llm::new(match &self.host {
            Backing::Host(host) => host.llm.map(|llm| llm as &dyn host::Llm),
            #[cfg(not(target_family = "wasm"))]
            Backing::Fake(fake) => Some(&**fake),
        })
    }

    pub(crate) fn person(&self) -> Ask<'_> {
        Ask::new(match &self.host {
            Backing::Host(host) => host.ask.map(|ask| ask as &dyn host::Ask),
            #[cfg(not(target_family = "wasm"))]
            Backing::Fake(fake) => Some(&**fake),
        })
    }

    pub(crate) fn data_path(&self) -> &Path {
        match &self.host {
            Backing::Host(_) => Path::new("/data"),
            #[cfg(not(target_family = "wasm"))]
            Backing::Fake(fake) => fake.data_dir(),
        }
    }

    pub(crate) fn workspace_path(&self) -> &Path {
        match &self.host {
            Backing::Host(_) => Path::new("/workspace"),
            #[cfg(not(target_family = "wasm"))]
            Backing::Fake(fake) => fake.workspace(),
        }
    }
}

#[cfg(not(target_family = "wasm"))]
impl Context {
    /// A context for tests, with an empty memory and empty directories.
    #[must_use]
    pub fn fake() -> Self {
        crate::FakeContext::new().build()
    }

    /// The lines that were written to the log of a fake context.
    #[must_use]
    pub fn fake_log(&self) -> Vec<(crate::log::Level, String)> {
        match &self.host {
            Backing::Host(_) => Vec::new(),
            Backing::Fake(fake) => fake.lines(),
        }
    }

    /// The reports of progress that were made to a fake context: done, total, message.
    #[must_use]
    pub fn fake_progress(&self) -> Vec<(u64, Option<u64>, String)> {
        match &self.host {
            Backing::Host(_) => Vec::new(),
            Backing::Fake(fake) => fake.progress(),
        }
    }

    /// The commands that a fake context was given to run, in their order, denied ones too.
    #[must_use]
    pub fn fake_commands(&self) -> Vec<crate::FakeCommand> {
        match &self.host {
            Backing::Host(_) => Vec::new(),
            Backing::Fake(fake) => fake.programs().commands(),
        }
    }

    pub(crate) fn of_fake(fake: FakeHost) -> Self {
        Self { host: Backing::Fake(Box::new(fake)) }
    }
}
