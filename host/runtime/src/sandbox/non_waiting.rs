//! `wasi:io` for skills that never wait: the same streams as the waiting kind, without a fiber.
//!
//! Streams of such a skill are the log and files, which are always ready. What is left to wait for
//! is a clock, and for that the calling thread sleeps.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use waiting::poll::HostPollable as Ready;
use waiting::streams::{HostInputStream as Input, HostOutputStream as Output};
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::sync::io::{poll, streams};
use wasmtime_wasi_io::bindings::wasi::io as waiting;
use wasmtime_wasi_io::poll::DynPollable;
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream, StreamError, StreamResult};

use super::baseline::Table;
use super::state::CallState;
use super::turns::Pace;
use crate::blocking::in_place;

pub(super) struct Io;

impl HasData for Io {
    type Data<'a> = IoView<'a>;
}

pub(super) struct IoView<'a> {
    table: &'a mut ResourceTable,
    pace: &'a Pace,
}

pub(super) fn add_to_linker(l: &mut Linker<CallState>) -> wasmtime::Result<()> {
    fn view(state: &mut CallState) -> IoView<'_> {
        IoView { table: &mut state.table, pace: &state.pace }
    }
    waiting::error::add_to_linker::<CallState, Table>(l, |state| &mut state.table)?;
    poll::add_to_linker::<CallState, Io>(l, view)?;
    streams::add_to_linker::<CallState, Io>(l, view)?;
    Ok(())
}

impl IoView<'_> {
    fn stream<T>(&mut self, result: wasmtime::Result<StreamResult<T>>) -> StreamResult<T> {
        result.unwrap_or_else(|trap| Err(StreamError::Trap(trap)))
    }
}

impl poll::Host for IoView<'_> {
    fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        block(self.pace, waiting::poll::Host::poll(self.table, pollables))?
    }
}

impl poll::HostPollable for IoView<'_> {
    fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        block(self.pace, Ready::ready(self.table, pollable))?
    }

    fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        block(self.pace, Ready::block(self.table, pollable))?
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        Ready::drop(self.table, pollable)
    }
}

impl streams::Host for IoView<'_> {
    fn convert_stream_error(&mut self, error: StreamError) -> wasmtime::Result<streams::StreamError> {
        Ok(waiting::streams::Host::convert_stream_error(self.table, error)?.into())
    }
}

impl streams::HostInputStream for IoView<'_> {
    fn read(&mut self, stream: Resource<DynInputStream>, len: u64) -> StreamResult<Vec<u8>> {
        Input::read(self.table, stream, len)
    }

    fn blocking_read(&mut self, stream: Resource<DynInputStream>, len: u64) -> StreamResult<Vec<u8>> {
        let result = block(self.pace, Input::blocking_read(self.table, stream, len));
        self.stream(result)
    }

    fn skip(&mut self, stream: Resource<DynInputStream>, len: u64) -> StreamResult<u64> {
        Input::skip(self.table, stream, len)
    }

    fn blocking_skip(&mut self, stream: Resource<DynInputStream>, len: u64) -> StreamResult<u64> {
        let result = block(self.pace, Input::blocking_skip(self.table, stream, len));
        self.stream(result)
    }

    fn subscribe(&mut self, stream: Resource<DynInputStream>) -> wasmtime::Result<Resource<DynPollable>> {
        Input::subscribe(self.table, stream)
    }

    fn drop(&mut self, stream: Resource<DynInputStream>) -> wasmtime::Result<()> {
        block(self.pace, Input::drop(self.table, stream))?
    }
}

impl streams::HostOutputStream for IoView<'_> {
    fn check_write(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<u64> {
        Output::check_write(self.table, stream)
    }

    fn write(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        Output::write(self.table, stream, bytes)
    }

    fn blocking_write_and_flush(
        &mut self,
        stream: Resource<DynOutputStream>,
        bytes: Vec<u8>,
    ) -> StreamResult<()> {
        let result = block(self.pace, Output::blocking_write_and_flush(self.table, stream, bytes));
        self.stream(result)
    }

    fn blocking_write_zeroes_and_flush(
        &mut self,
        stream: Resource<DynOutputStream>,
        len: u64,
    ) -> StreamResult<()> {
        let result = block(self.pace, Output::blocking_write_zeroes_and_flush(self.table, stream, len));
        self.stream(result)
    }

    fn subscribe(&mut self, stream: Resource<DynOutputStream>) -> wasmtime::Result<Resource<DynPollable>> {
        Output::subscribe(self.table, stream)
    }

    fn write_zeroes(&mut self, stream: Resource<DynOutputStream>, len: u64) -> StreamResult<()> {
        Output::write_zeroes(self.table, stream, len)
    }

    fn flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        Output::flush(self.table, stream)
    }

    fn blocking_flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        let result = block(self.pace, Output::blocking_flush(self.table, stream));
        self.stream(result)
    }

    fn splice(
        &mut self,
        to: Resource<DynOutputStream>,
        from: Resource<DynInputStream>,
        len: u64,
    ) -> StreamResult<u64> {
        Output::splice(self.table, to, from, len)
    }

    fn blocking_splice(
        &mut self,
        to: Resource<DynOutputStream>,
        from: Resource<DynInputStream>,
        len: u64,
    ) -> StreamResult<u64> {
        let result = block(self.pace, Output::blocking_splice(self.table, to, from, len));
        self.stream(result)
    }

    fn drop(&mut self, stream: Resource<DynOutputStream>) -> wasmtime::Result<()> {
        block(self.pace, Output::drop(self.table, stream))?
    }
}

/// An instant that [`block`] sleeps up to.
pub(super) struct OwnThread(pub(super) Instant);

std::thread_local! {
    /// The earliest instant that a pending [`OwnThread`] of this thread asks to be polled at.
    static WAKE_AT: Mutex<Option<Instant>> = const { Mutex::new(None) };
}

fn with_wake<T>(f: impl FnOnce(&mut Option<Instant>) -> T) -> T {
    WAKE_AT.with(|wake| f(&mut wake.lock().unwrap_or_else(PoisonError::into_inner)))
}

impl Future for OwnThread {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.0 {
            return Poll::Ready(());
        }
        with_wake(|wake| *wake = Some(wake.map_or(self.0, |at| at.min(self.0))));
        Poll::Pending
    }
}

/// Runs a future that waits for nothing but [`OwnThread`]; holds this thread, no longer than to the deadline
/// and not after the call was cancelled.
fn block<T>(pace: &Pace, future: impl Future<Output = T>) -> wasmtime::Result<T> {
    let mut future = pin!(future);
    loop {
        with_wake(|wake| *wake = None);
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Ok(value);
        }
        pace.check(Instant::now())?;
        let until = with_wake(|wake| wake.map_or(pace.deadline, |at| at.min(pace.deadline)));
        in_place(|| pace.cancel.park_until(until));
    }
}
