//! What one call may use of the network, and what it has used.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::capability::{Capability, Denial, Denials, Reason};

/// The most that one call may use of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NetworkLimits {
    /// Requests in all.
    pub(crate) requests: u64,
    /// Connections open at once.
    pub(crate) connections: usize,
    /// Bytes of request bodies in all.
    pub(crate) request_bytes: u64,
    /// Bytes of response bodies in all.
    pub(crate) response_bytes: u64,
    /// Time to resolve a name, connect, and complete the TLS handshake.
    pub(crate) connect: Duration,
    /// Time from then to the response's head.
    pub(crate) first_byte: Duration,
    /// Time between two pieces of the response's body.
    pub(crate) between_bytes: Duration,
}

impl Default for NetworkLimits {
    fn default() -> Self {
        Self {
            requests: 64,
            connections: 16,
            request_bytes: 16 << 20,
            response_bytes: 16 << 20,
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(30),
            between_bytes: Duration::from_secs(30),
        }
    }
}

/// What a call has used of the network, for the audit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NetworkUsage {
    /// Requests that were permitted.
    pub(crate) requests: u64,
    /// Bytes of HTTP sent, heads included.
    pub(crate) bytes_sent: u64,
    /// Bytes of HTTP received, heads included.
    pub(crate) bytes_received: u64,
}

/// The counters of one call, shared by all its requests.
#[derive(Debug)]
pub(super) struct Ledger {
    limits: NetworkLimits,
    connections: Arc<Semaphore>,
    requests: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
    request_bytes: AtomicU64,
    response_bytes: AtomicU64,
}

impl Ledger {
    pub(super) fn new(limits: NetworkLimits) -> Self {
        Self {
            limits,
            connections: Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS))),
            requests: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            request_bytes: AtomicU64::new(0),
            response_bytes: AtomicU64::new(0),
        }
    }

    /// Counts a request, and reserves the connection that it must hold on to; `None` is over a limit.
    pub(super) fn open(&self) -> Option<OwnedSemaphorePermit> {
        let slot = Arc::clone(&self.connections).try_acquire_owned().ok()?;
        charge(&self.requests, 1, self.limits.requests).then_some(slot)
    }

    pub(super) fn usage(&self) -> NetworkUsage {
        NetworkUsage {
            requests: self.requests.load(Relaxed),
            bytes_sent: self.sent.load(Relaxed),
            bytes_received: self.received.load(Relaxed),
        }
    }
}

/// Adds `amount` unless that would pass `limit`.
fn charge(counter: &AtomicU64, amount: u64, limit: u64) -> bool {
    counter
        .fetch_update(Relaxed, Relaxed, |used| used.checked_add(amount).filter(|total| *total <= limit))
        .is_ok()
}

/// A call's ledger as one request sees it: what goes over is recorded as that request's denial.
#[derive(Clone, Debug)]
pub(super) struct Account {
    ledger: Arc<Ledger>,
    denials: Denials,
    capability: Capability,
    target: Arc<str>,
}

impl Account {
    pub(super) fn new(ledger: Arc<Ledger>, denials: Denials, capability: Capability, target: &str) -> Self {
        Self { ledger, denials, capability, target: target.into() }
    }

    /// Reserves a connection for the request.
    pub(super) fn open(&self) -> Option<OwnedSemaphorePermit> {
        let slot = self.ledger.open();
        self.note(slot.is_some());
        slot
    }

    /// Charges a piece of the request's body; the error is the limit.
    pub(super) fn upload(&self, bytes: u64) -> Result<(), u64> {
        self.take(&self.ledger.request_bytes, bytes, self.ledger.limits.request_bytes)
    }

    /// Charges a piece of the response's body; the error is the limit.
    pub(super) fn download(&self, bytes: u64) -> Result<(), u64> {
        self.take(&self.ledger.response_bytes, bytes, self.ledger.limits.response_bytes)
    }

    /// Whether a response's body of at least that many bytes still fits; the error is the limit.
    pub(super) fn foresee_download(&self, bytes: u64) -> Result<(), u64> {
        let limit = self.ledger.limits.response_bytes;
        let left = limit.saturating_sub(self.ledger.response_bytes.load(Relaxed));
        if self.note(bytes <= left) { Ok(()) } else { Err(limit) }
    }

    /// Records a denial of this request.
    pub(super) fn deny(&self, denial: Denial) {
        self.denials.record(denial);
    }

    fn take(&self, counter: &AtomicU64, bytes: u64, limit: u64) -> Result<(), u64> {
        if self.note(charge(counter, bytes, limit)) { Ok(()) } else { Err(limit) }
    }

    fn note(&self, within: bool) -> bool {
        if !within {
            self.denials.record(Denial::new(self.capability, &self.target, Reason::QuotaExceeded));
        }
        within
    }
}

/// A stream whose bytes are counted.
pub(super) struct Metered<S> {
    inner: S,
    ledger: Arc<Ledger>,
}

impl<S> Metered<S> {
    pub(super) fn new(inner: S, account: &Account) -> Self {
        Self { inner, ledger: Arc::clone(&account.ledger) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        let read = buf.filled().len().saturating_sub(before);
        self.ledger.received.fetch_add(read as u64, Relaxed);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(cx, buf);
        if let Poll::Ready(Ok(written)) = &polled {
            self.ledger.sent.fetch_add(*written as u64, Relaxed);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
