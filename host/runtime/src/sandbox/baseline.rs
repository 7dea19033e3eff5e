//! The baseline: the WASI interfaces that every standard library imports, and that hold nothing.
//!
//! No argument, no environment, no standard input, no terminal; clocks and randomness are the
//! host's. Standard output and error go to the skill's log. Files come through
//! [`filesystem`](crate::capability::filesystem), which has no preopened directory unless one was
//! granted.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wasmtime::component::{HasData, HasSelf, Linker, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::{cli, clocks, random};
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream, InputStream, StreamError, StreamResult};

use super::fault::Exited;
use super::linker::Waits;
use super::non_waiting;
use super::state::CallState;
use crate::capability::log::Stream;

/// Bytes of randomness that one request may ask for.
const RANDOM_BYTES: u64 = 64 << 10;

/// What the baseline knows of a call.
pub(crate) struct Baseline {
    seed: (u64, u64),
    begun: Instant,
    waits: Waits,
}

impl Baseline {
    pub(super) fn new(seed: (u64, u64), waits: Waits) -> Self {
        Self { seed, begun: Instant::now(), waits }
    }
}

/// Links the baseline. Streams and polls come in two kinds: a skill that never waits gets
/// functions that return at once or sleep on its own thread, any other gets ones that yield.
pub(super) fn add_to_linker(l: &mut Linker<CallState>, waits: Waits) -> wasmtime::Result<()> {
    match waits {
        Waits::Never => non_waiting::add_to_linker(l)?,
        Waits::Sometimes => {
            use wasmtime_wasi_io::bindings::wasi::io;
            io::error::add_to_linker::<CallState, Table>(l, |state| &mut state.table)?;
            io::poll::add_to_linker::<CallState, Table>(l, |state| &mut state.table)?;
            io::streams::add_to_linker::<CallState, Table>(l, |state| &mut state.table)?;
        }
    }
    type This = HasSelf<CallState>;
    clocks::wall_clock::add_to_linker::<CallState, This>(l, |state| state)?;
    clocks::monotonic_clock::add_to_linker::<CallState, This>(l, |state| state)?;
    random::random::add_to_linker::<CallState, This>(l, |state| state)?;
    random::insecure::add_to_linker::<CallState, This>(l, |state| state)?;
    random::insecure_seed::add_to_linker::<CallState, This>(l, |state| state)?;
    cli::environment::add_to_linker::<CallState, This>(l, |state| state)?;
    cli::exit::add_to_linker::<CallState, This>(l, |state| state)?;
    cli::stdin::add_to_linker::<CallState, This>(l, |state| state)?;
    cli::stdout::add_to_linker::<CallState, This>(l, |state| state)?;
    cli::stderr::add_to_linker::<CallState, This>(l, |state| state)?;
    cli::terminal_input::add_to_linker::<CallState, This>(l, |state| state)?;
    cli::terminal_output::add_to_linker::<CallState, This>(l, |state| state)?;
    cli::terminal_stdin::add_to_linker::<CallState, This>(l, |state| state)?;
    cli::terminal_stdout::add_to_linker::<CallState, This>(l, |state| state)?;
    cli::terminal_stderr::add_to_linker::<CallState, This>(l, |state| state)?;
    Ok(())
}

pub(super) struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

impl cli::environment::Host for CallState {
    fn get_environment(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(Vec::new())
    }

    fn get_arguments(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn initial_cwd(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(None)
    }
}

impl cli::exit::Host for CallState {
    fn exit(&mut self, _: Result<(), ()>) -> wasmtime::Result<()> {
        Err(Exited.into())
    }

    fn exit_with_code(&mut self, _: u8) -> wasmtime::Result<()> {
        Err(Exited.into())
    }
}

impl cli::stdin::Host for CallState {
    fn get_stdin(&mut self) -> wasmtime::Result<Resource<DynInputStream>> {
        let stream: DynInputStream = Box::new(NoInput);
        Ok(self.table.push(stream)?)
    }
}

impl cli::stdout::Host for CallState {
    fn get_stdout(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        Ok(self.table.push(self.log.stream(Stream::Out))?)
    }
}

impl cli::stderr::Host for CallState {
    fn get_stderr(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        Ok(self.table.push(self.log.stream(Stream::Err))?)
    }
}

/// A standard input that has ended.
struct NoInput;

impl InputStream for NoInput {
    fn read(&mut self, _: usize) -> StreamResult<bytes::Bytes> {
        Err(StreamError::Closed)
    }
}

#[async_trait::async_trait]
impl Pollable for NoInput {
    async fn ready(&mut self) {}
}

use cli::terminal_input::TerminalInput;
use cli::terminal_output::TerminalOutput;

impl cli::terminal_input::Host for CallState {}
impl cli::terminal_input::HostTerminalInput for CallState {
    fn drop(&mut self, terminal: Resource<TerminalInput>) -> wasmtime::Result<()> {
        self.table.delete(terminal)?;
        Ok(())
    }
}

impl cli::terminal_output::Host for CallState {}
impl cli::terminal_output::HostTerminalOutput for CallState {
    fn drop(&mut self, terminal: Resource<TerminalOutput>) -> wasmtime::Result<()> {
        self.table.delete(terminal)?;
        Ok(())
    }
}

impl cli::terminal_stdin::Host for CallState {
    fn get_terminal_stdin(&mut self) -> wasmtime::Result<Option<Resource<TerminalInput>>> {
        Ok(None)
    }
}

impl cli::terminal_stdout::Host for CallState {
    fn get_terminal_stdout(&mut self) -> wasmtime::Result<Option<Resource<TerminalOutput>>> {
        Ok(None)
    }
}

impl cli::terminal_stderr::Host for CallState {
    fn get_terminal_stderr(&mut self) -> wasmtime::Result<Option<Resource<TerminalOutput>>> {
        Ok(None)
    }
}

fn random_bytes(len: u64) -> wasmtime::Result<Vec<u8>> {
    if len > RANDOM_BYTES {
        wasmtime::bail!("{len} random bytes asked for at once; at most {RANDOM_BYTES} are given");
    }
    let mut bytes = vec![0; usize::try_from(len)?];
    getrandom::fill(&mut bytes).map_err(|error| wasmtime::format_err!("no randomness: {error}"))?;
    Ok(bytes)
}

fn random_u64() -> wasmtime::Result<u64> {
    getrandom::u64().map_err(|error| wasmtime::format_err!("no randomness: {error}"))
}

impl random::random::Host for CallState {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        random_bytes(len)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        random_u64()
    }
}

impl random::insecure::Host for CallState {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        random_bytes(len)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        random_u64()
    }
}

impl random::insecure_seed::Host for CallState {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok(self.baseline.seed)
    }
}

impl clocks::wall_clock::Host for CallState {
    fn now(&mut self) -> wasmtime::Result<clocks::wall_clock::Datetime> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(clocks::wall_clock::Datetime { seconds: now.as_secs(), nanoseconds: now.subsec_nanos() })
    }

    fn resolution(&mut self) -> wasmtime::Result<clocks::wall_clock::Datetime> {
        Ok(clocks::wall_clock::Datetime { seconds: 0, nanoseconds: 1 })
    }
}

impl CallState {
    /// A pollable that is ready at `at`, or never where that is past what can be told.
    fn subscribe_at(&mut self, at: Option<Instant>) -> wasmtime::Result<Resource<DynPollable>> {
        let alarm = Alarm { at, waits: self.baseline.waits };
        let alarm = self.table.push(alarm)?;
        subscribe(&mut self.table, alarm)
    }
}

impl clocks::monotonic_clock::Host for CallState {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(u64::try_from(self.baseline.begun.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.subscribe_at(self.baseline.begun.checked_add(Duration::from_nanos(when)))
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.subscribe_at(Instant::now().checked_add(Duration::from_nanos(duration)))
    }
}

struct Alarm {
    at: Option<Instant>,
    waits: Waits,
}

#[async_trait::async_trait]
impl Pollable for Alarm {
    async fn ready(&mut self) {
        match (self.at, self.waits) {
            (None, _) => std::future::pending().await,
            (Some(at), Waits::Sometimes) => tokio::time::sleep_until(at.into()).await,
            (Some(at), Waits::Never) => non_waiting::OwnThread(at).await,
        }
    }
}
