//! What waits to be sent to whoever watches a conversation: bounded, and never waited for by what fills it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use openclaw_agent::event::Event;
use tokio::sync::Notify;

/// Bytes that may wait.
const MOST_BYTES: usize = 1 << 20;
/// Pieces that may wait.
const MOST_PIECES: usize = 1024;
/// How many times as much may wait, where it is of what must not be left out.
const MARGIN: usize = 12;

/// Something to be sent.
pub(crate) trait Piece: Sized {
    /// About how many bytes it has.
    fn bytes(&self) -> usize;

    /// Takes up what comes right behind it; gives it back, where the two are not one.
    fn join(&mut self, next: Self) -> Option<Self>;

    /// Whether nothing makes sense without it.
    fn is_essential(&self) -> bool;
}

/// What is to be sent next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Out<P> {
    /// This.
    Piece(P),
    /// So many pieces were to come here, and found no place.
    Missed(usize),
    /// Something that must not be left out found no place either: whoever reads so slowly cannot be spoken with.
    Overrun,
}

/// What waits for one reader.
#[derive(Debug)]
pub(crate) struct Outbox<P> {
    queue: Mutex<Queue<P>>,
    filled: Notify,
}

#[derive(Debug)]
struct Queue<P> {
    entries: VecDeque<Out<P>>,
    bytes: usize,
    is_overrun: bool,
}

impl<P> Default for Outbox<P> {
    fn default() -> Self {
        let queue = Queue { entries: VecDeque::new(), bytes: 0, is_overrun: false };
        Self { queue: Mutex::new(queue), filled: Notify::new() }
    }
}

impl<P: Piece> Outbox<P> {
    /// Puts something behind what waits, or leaves it out.
    pub(crate) fn push(&self, piece: P) {
        self.queue().push(piece);
        self.filled.notify_one();
    }

    /// What is next, if something is.
    pub(crate) fn try_next(&self) -> Option<Out<P>> {
        self.queue().pop()
    }

    /// What is next, once something is. Giving up loses nothing.
    pub(crate) async fn next(&self) -> Out<P> {
        loop {
            if let Some(out) = self.try_next() {
                return out;
            }
            self.filled.notified().await;
        }
    }

    /// Done once something waits.
    pub(crate) async fn is_filled(&self) {
        loop {
            if !self.queue().entries.is_empty() {
                return;
            }
            self.filled.notified().await;
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue<P>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Piece> Queue<P> {
    fn push(&mut self, piece: P) {
        let (size, is_essential) = (piece.bytes(), piece.is_essential());
        let factor = if is_essential { MARGIN } else { 1 };
        let fits = self.bytes.saturating_add(size) <= MOST_BYTES.saturating_mul(factor);
        let piece = match self.entries.back_mut() {
            Some(Out::Piece(last)) if fits => {
                let before = last.bytes();
                let rest = last.join(piece);
                self.bytes += last.bytes().saturating_sub(before);
                rest
            }
            _ => Some(piece),
        };
        let Some(piece) = piece else { return };
        if fits && self.entries.len() < MOST_PIECES * factor {
            self.bytes += size;
            self.entries.push_back(Out::Piece(piece));
        } else if is_essential {
            self.is_overrun = true;
        } else if let Some(Out::Missed(count)) = self.entries.back_mut() {
            *count += 1;
        } else {
            self.entries.push_back(Out::Missed(1));
        }
    }

    fn pop(&mut self) -> Option<Out<P>> {
        if self.is_overrun {
            return Some(Out::Overrun);
        }
        let out = self.entries.pop_front()?;
        if let Out::Piece(piece) = &out {
            self.bytes = self.bytes.saturating_sub(piece.bytes());
        }
        Some(out)
    }
}

/// About how many bytes an event has.
pub(crate) fn event_bytes(event: &Event) -> usize {
    let own = match event {
        Event::Text { text } | Event::Notice { text } => text.len(),
        Event::CallBegun { input, .. } => input.len(),
        Event::CallLogged { message, .. } | Event::CallProgressed { message, .. } => message.len(),
        Event::CallEnded { tool, summary, .. } => tool.len() + summary.len(),
        _ => 0,
    };
    own + 64
}

impl Piece for Event {
    fn bytes(&self) -> usize {
        event_bytes(self)
    }

    fn join(&mut self, next: Self) -> Option<Self> {
        match (self, next) {
            (Self::Text { text }, Self::Text { text: more }) => {
                text.push_str(&more);
                None
            }
            (_, next) => Some(next),
        }
    }

    fn is_essential(&self) -> bool {
        matches!(self, Self::Ended { .. })
    }
}

#[cfg(test)]
mod tests {
    use openclaw_agent::event::EndReason;
    use openclaw_agent::model::Usage;

    use super::*;

    fn text(text: &str) -> Event {
        Event::Text { text: text.to_owned() }
    }

    fn notice(text: &str) -> Event {
        Event::Notice { text: text.to_owned() }
    }

    fn ended() -> Event {
        Event::Ended { reason: EndReason::Done, usage: Usage::default(), cost: 0 }
    }

    #[tokio::test]
    async fn text_that_waits_becomes_one_piece_and_all_comes_in_order() {
        let outbox = Outbox::default();
        for event in [text("a"), text("b"), notice("n"), text("c")] {
            outbox.push(event);
        }
        outbox.is_filled().await;
        for event in [text("ab"), notice("n"), text("c")] {
            assert_eq!(outbox.next().await, Out::Piece(event));
        }
        assert!(outbox.try_next().is_none() && futures::poll!(Box::pin(outbox.next())).is_pending());
    }

    #[test]
    fn what_finds_no_place_is_left_out_and_said_where_it_was_to_come() {
        let outbox = Outbox::default();
        let (large, more) = ("x".repeat(MOST_BYTES - 1000), "x".repeat(1000));
        for event in [text(&large), notice(&more), notice(&more), text(&more)] {
            outbox.push(event);
        }
        outbox.push(ended());
        assert_eq!(outbox.try_next(), Some(Out::Piece(text(&large))));
        outbox.push(notice("there is room again"));
        let next = [Out::Missed(3), Out::Piece(ended()), Out::Piece(notice("there is room again"))];
        for out in next {
            assert_eq!(outbox.try_next(), Some(out));
        }
    }

    #[test]
    fn however_much_comes_it_is_bounded() {
        let outbox = Outbox::default();
        for _ in 0..3 * MOST_PIECES {
            outbox.push(notice(""));
        }
        assert_eq!(outbox.queue().entries.len(), MOST_PIECES + 1);
        for _ in 0..MARGIN * MOST_PIECES {
            outbox.push(ended());
        }
        assert_eq!(outbox.try_next(), Some(Out::Overrun));
        assert!(outbox.queue().entries.len() <= MARGIN * MOST_PIECES);
    }
}
