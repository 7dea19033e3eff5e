//! Listening without sleep, for a moment after something was written: who asks one thing after the other asks again at
//! once, and to wake a thread that sleeps takes longer than most calls.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How long is listened so. An agent on the same machine asks again within less, and a thread that would go to sleep
/// spends some of it on falling asleep.
const MOMENT: Duration = Duration::from_micros(50);

/// The right to listen so, which one connection of a server has at a time: more threads would take cores from clients.
#[derive(Clone, Debug)]
pub(crate) struct Ear(Option<Arc<Lease>>);

/// Until when the right is taken. It ends by itself, so that nobody can keep it.
#[derive(Debug)]
struct Lease {
    moment: Duration,
    since: Instant,
    /// Nanoseconds after `since`.
    until: AtomicU64,
}

impl Default for Ear {
    /// Where there is one core, whoever asks could not run meanwhile.
    fn default() -> Self {
        let several = std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1);
        if several { Self::of(MOMENT) } else { Self(None) }
    }
}

impl Ear {
    fn of(moment: Duration) -> Self {
        Self(Some(Arc::new(Lease { moment, since: Instant::now(), until: AtomicU64::new(0) })))
    }
}

impl Lease {
    fn now(&self) -> u64 {
        nanoseconds(self.since.elapsed())
    }

    /// Takes the right, or takes it for longer if it is `own` already; until when.
    fn take(&self, own: Option<u64>) -> Option<u64> {
        let (now, taken) = (self.now(), self.until.load(Ordering::Acquire));
        let until = now.saturating_add(nanoseconds(self.moment));
        if taken > now && own != Some(taken) {
            return None;
        }
        self.until.compare_exchange(taken, until, Ordering::AcqRel, Ordering::Acquire).ok().map(|_| until)
    }

    /// Gives the right back before its end.
    fn give_back(&self, own: u64) {
        // Where it is not the own any more, it ended.
        let _ = self.until.compare_exchange(own, 0, Ordering::AcqRel, Ordering::Acquire);
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A stream that is listened to without sleep for a moment after each write.
#[derive(Debug)]
pub(crate) struct Eager<S> {
    stream: S,
    ear: Ear,
    /// Until when this one has the right.
    until: Option<u64>,
}

impl<S> Eager<S> {
    pub(crate) fn new(stream: S, ear: Ear) -> Self {
        Self { stream, ear, until: None }
    }

    /// Something was written, here or to the same client elsewhere.
    pub(crate) fn written(&mut self) {
        if let Some(lease) = &self.ear.0 {
            self.until = lease.take(self.until);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Eager<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let (Some(lease), Some(until)) = (&self.ear.0, self.until) else { return read };
        if read.is_pending() && lease.now() < until {
            // Asked again once nothing else is to be done, and the system was asked what arrived.
            let _ = pin!(tokio::task::yield_now()).poll(context);
        } else {
            lease.give_back(until);
            self.until = None;
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Eager<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if written.is_ready() {
            self.written();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::{Wake, Waker};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Longer and shorter than any test.
    const LONG: Duration = Duration::from_secs(3600);
    const SHORT: Duration = Duration::ZERO;

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Reads what is not there: whether that wakes the reader all the same, once nothing else is to be done.
    async fn listens<S: AsyncRead + Unpin>(stream: &mut Eager<S>) -> bool {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut byte = [0];
        let read = Pin::new(stream).poll_read(&mut Context::from_waker(&waker), &mut ReadBuf::new(&mut byte));
        assert!(read.is_pending());
        assert_eq!(count.0.load(Ordering::SeqCst), 0, "others come first");
        tokio::task::yield_now().await;
        count.0.load(Ordering::SeqCst) > 0
    }

    #[tokio::test]
    async fn it_is_listened_for_a_moment_after_a_write() {
        for (moment, expected) in [(LONG, true), (SHORT, false)] {
            let (ours, mut theirs) = tokio::io::duplex(64);
            let mut ours = Eager::new(ours, Ear::of(moment));
            assert!(!listens(&mut ours).await, "nothing was written yet");
            ours.write_all(b"answer").await.unwrap();
            assert_eq!(listens(&mut ours).await, expected);
            assert_eq!(ours.until.is_some(), expected, "who is done gives the right back");
            theirs.write_all(b"?").await.unwrap();
            assert_eq!(ours.read_u8().await.unwrap(), b'?');
            assert!(!listens(&mut ours).await, "what was waited for came");
        }
    }

    #[tokio::test]
    async fn one_listens_at_a_time_and_nobody_keeps_the_right() {
        let ear = Ear::of(LONG);
        let mut pipes = [0; 2].map(|_| tokio::io::duplex(64));
        let [(one, first), (other, second)] = &mut pipes;
        let (mut one, mut other) = (Eager::new(one, ear.clone()), Eager::new(other, ear));
        one.write_all(b"answer").await.unwrap();
        other.write_all(b"answer").await.unwrap();
        assert!(listens(&mut one).await && !listens(&mut other).await);
        second.write_all(b"?").await.unwrap();
        assert_eq!(other.read_u8().await.unwrap(), b'?', "the others are heard as ever");
        assert!(listens(&mut one).await, "it has what it has");
        first.write_all(b"?").await.unwrap();
        assert_eq!(one.read_u8().await.unwrap(), b'?');
        other.write_all(b"answer").await.unwrap();
        assert!(listens(&mut other).await, "the right came back");

        let ear = Ear::of(SHORT);
        let (mut gone, mut next) = (Eager::new((), ear.clone()), Eager::new((), ear));
        gone.written();
        next.written();
        assert!(next.until.is_some(), "nobody gave it back, and its time is over");
    }

    #[tokio::test]
    async fn where_there_is_one_core_nobody_does() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut ours = Eager::new(ours, Ear(None));
        ours.write_all(b"answer").await.unwrap();
        assert!(!listens(&mut ours).await);
        theirs.write_all(b"?").await.unwrap();
        assert_eq!(ours.read_u8().await.unwrap(), b'?');
    }
}
