//! The host's side of connections: each wish of a worker is decided on as in the host's own process, and only a
//! connection to where it may go is handed over.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;
use url::Url;

use super::wire::{self, Meanwhile, Wish};
use crate::capability::network::dial::{Dial, DialError};
use crate::capability::network::{NetworkGrants, NetworkLimits};

/// The writing end of a side channel.
pub(super) type Side = Arc<Mutex<OwnedWriteHalf>>;

/// Opens connections for one call of a worker.
pub(super) struct Broker {
    grants: Arc<NetworkGrants>,
    dialer: Arc<dyn Dial>,
    side: Side,
    limits: NetworkLimits,
    wishes: u64,
    /// Wishes under way; they end when the call does.
    under_way: JoinSet<()>,
}

impl Broker {
    pub(super) fn new(grants: Arc<NetworkGrants>, dialer: Arc<dyn Dial>, side: Side) -> Self {
        let limits = NetworkLimits::default();
        Self { grants, dialer, side, limits, wishes: 0, under_way: JoinSet::new() }
    }

    /// Sees to a wish while the call goes on; false where the worker has more of them than a call may have requests,
    /// which no worker has that is its own master.
    #[must_use]
    pub(super) fn see_to(&mut self, wish: Wish) -> bool {
        while self.under_way.try_join_next().is_some() {}
        self.wishes += 1;
        if self.wishes > self.limits.requests || self.under_way.len() >= self.limits.connections {
            return false;
        }
        let (grants, dialer, side) =
            (Arc::clone(&self.grants), Arc::clone(&self.dialer), Arc::clone(&self.side));
        let patience = wish.patience.min(self.limits.connect);
        self.under_way.spawn(async move {
            let dialled = dial(&grants, &*dialer, &wish, patience).await;
            answer(&side, wish.id, dialled).await;
        });
        true
    }

    /// How many wishes there were.
    pub(super) fn wishes(&self) -> u64 {
        self.wishes
    }

    /// Whether every wish was answered.
    pub(super) fn is_idle(&mut self) -> bool {
        while self.under_way.try_join_next().is_some() {}
        self.under_way.is_empty()
    }
}

async fn dial(
    grants: &NetworkGrants,
    dialer: &dyn Dial,
    wish: &Wish,
    patience: Duration,
) -> Result<std::net::TcpStream, DialError> {
    let method: Method = wish.method.parse().map_err(|_| DialError::Unavailable)?;
    let url = Url::parse(&wish.url).map_err(|_| DialError::Unavailable)?;
    let permitted = grants.permit(&method, &url).map_err(DialError::Denied)?;
    let stream = dialer.dial(&permitted, Instant::now() + patience).await?;
    stream.into_std().map_err(|_| DialError::Unavailable)
}

async fn answer(side: &Side, id: u64, dialled: Result<std::net::TcpStream, DialError>) {
    let said = match dialled {
        Ok(stream) => send_with(side, &Meanwhile::Dialled { id, result: Ok(()) }, &stream).await,
        Err(error) => send(side, &Meanwhile::Dialled { id, result: Err(error) }).await,
    };
    if let Err(error) = said {
        // The worker has ended, which its call will tell.
        tracing::debug!(%error, "a worker does not hear of its connection");
    }
}

/// Says something on a side channel.
pub(super) async fn send(side: &Side, message: &Meanwhile) -> io::Result<()> {
    let frame = wire::encode(message)?;
    let side = side.lock().await;
    write_all(side.as_ref(), &frame).await
}

async fn send_with(side: &Side, message: &Meanwhile, descriptor: impl AsFd) -> io::Result<()> {
    let frame = wire::encode(message)?;
    let side = side.lock().await;
    write_with_descriptor(side.as_ref(), &frame, descriptor).await
}

/// Writes a frame of which the first byte carries a descriptor.
pub(super) async fn write_with_descriptor(
    stream: &UnixStream,
    frame: &[u8],
    descriptor: impl AsFd,
) -> io::Result<()> {
    let written = stream
        .async_io(Interest::WRITABLE, || wire::send_with_descriptor(stream, frame, descriptor.as_fd()))
        .await?;
    write_all(stream, frame.get(written..).unwrap_or_default()).await
}

async fn write_all(stream: &UnixStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
