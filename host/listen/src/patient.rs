//! A connection that bears with slow clients for a while: an answer that nobody takes is held in memory.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// How much of an upload that was answered early is read before the connection ends, in bytes.
const MAX_LINGERING: usize = 32 << 20;

/// The fewest bytes a second that a client has to take, once it is behind by as long as is borne with. What fits into
/// the buffers of the connection never waits, so small answers are not measured.
const SLOWEST: u64 = 32 << 10;

/// A stream that fails when the other side takes nothing, or too little, for too long, and that is not closed while the other side is
/// still sending: it would lose the answer that it was given early.
#[derive(Debug)]
pub struct Patient {
    stream: TcpStream,
    patience: Duration,
    waiting: Option<Waiting>,
    /// How far the other side is behind the slowest that it may be.
    behind: Duration,
    /// How much is read and thrown away before the end, and until when.
    lingering: usize,
    end: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    /// A connection that is borne with for as long as `patience`, more than once if it makes up for it.
    #[must_use]
    pub fn new(stream: TcpStream, patience: Duration) -> Self {
        Self { stream, patience, waiting: None, behind: Duration::ZERO, lingering: MAX_LINGERING, end: None }
    }

    /// Passes on what a write came to. While it waits, the time runs; what is taken then earns some of it back.
    fn watch<T>(
        &mut self,
        context: &mut Context<'_>,
        poll: Poll<io::Result<T>>,
        taken: impl FnOnce(&T) -> usize,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(done) = &poll {
            if let Some(waiting) = self.waiting.take() {
                self.behind = self.behind.saturating_add(waiting.since.elapsed());
            }
            let bytes = done.as_ref().map_or(0, taken);
            self.behind = self.behind.saturating_sub(time_for(bytes));
            return poll;
        }
        let left = self.patience.saturating_sub(self.behind);
        let waiting = self.waiting.get_or_insert_with(|| Waiting::new(left));
        match waiting.end.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// A write that waits for the other side: since when, and until when at most.
#[derive(Debug)]
struct Waiting {
    since: Instant,
    end: Pin<Box<Sleep>>,
}

impl Waiting {
    fn new(most: Duration) -> Self {
        Self { since: Instant::now(), end: Box::pin(tokio::time::sleep(most)) }
    }
}

/// How long the slowest reader may take for so many bytes.
fn time_for(bytes: usize) -> Duration {
    Duration::from_micros((bytes as u64).saturating_mul(1_000_000) / SLOWEST)
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, poll, |bytes| *bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(context, poll, |()| 0)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Doing this again, when woken, changes nothing.
        ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        let patience = self.patience;
        let end = self.end.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        if end.as_mut().poll(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut space = [0; 8192];
        while self.lingering > 0 {
            let mut buffer = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
            match buffer.filled().len() {
                0 => break,
                read => self.lingering = self.lingering.saturating_sub(read),
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const SIZE: usize = 16 << 20;

    /// How the writing of a large answer ends when so many bytes are read every ten milliseconds.
    async fn written(bytes: usize) -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut reader = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut stream = Patient::new(listener.accept().await.unwrap().0, Duration::from_millis(400));
        let reading = tokio::spawn(async move {
            let mut buffer = vec![0; bytes];
            while reader.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        let done = stream.write_all(&vec![0; SIZE]).await;
        reading.abort();
        done
    }

    #[tokio::test]
    async fn who_takes_a_little_again_and_again_is_not_borne_with_for_ever() {
        let slow = tokio::time::timeout(Duration::from_secs(20), written(16)).await;
        assert_eq!(slow.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
        written(256 << 10).await.unwrap();
    }

    #[tokio::test]
    async fn small_answers_are_not_measured() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _reader = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut stream = Patient::new(listener.accept().await.unwrap().0, Duration::from_millis(50));
        for _ in 0..4 {
            stream.write_all(&[0; 8 << 10]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
        assert_eq!(stream.behind, Duration::ZERO);
    }
}
