//! An answer that is followed while it is said, as server-sent events in the shape of OpenAI's.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use bytes::Bytes;
use openclaw_agent::event::{Event, Watcher};
use openclaw_agent::session::SessionKey;
use openclaw_agent::turn::Outcome;
use serde::Serialize;

use super::super::answer::{Refusal, SILENCE, events};
use super::super::documents::ErrorBody;
use super::super::{App, stream::event};
use super::documents::Form;
use super::{begin, ended};
use crate::agents::{Out, Outbox, Running, Said};
use crate::tokens::Token;

/// How long an answer that may be refused at once is waited for before the stream begins.
const HASTE: Duration = Duration::from_secs(1);
/// What comes between the words of two steps.
const GAP: &str = "\n\n";
/// What is said where a model broke off and is asked anew.
const ANEW: &str = "\n\n(The answer broke off, and begins anew.)\n\n";

/// Passes on what happens.
#[derive(Debug)]
struct Watching(Arc<Outbox<Event>>);

impl Watcher for Watching {
    fn saw(&self, event: &Event) {
        self.0.push(event.clone());
    }
}

/// Begins a turn, and answers with what is said.
pub(super) async fn answer(
    app: &Arc<App>,
    token: Arc<Token>,
    key: SessionKey,
    text: String,
    form: Form,
    includes_usage: bool,
) -> Result<Response, Refusal> {
    let outbox = Arc::new(Outbox::default());
    let watcher: Arc<dyn Watcher> = Arc::new(Watching(Arc::clone(&outbox)));
    let mut running = begin(app, Said { key, text, watcher, human: None, token }).await?;
    let mut writer = Writer::new(form, includes_usage);
    // Whoever is refused at once is told so by the status.
    let ended = tokio::select! {
        biased;
        () = outbox.is_filled() => None,
        ended = ended(&mut running) => Some(ended),
        () = tokio::time::sleep(HASTE) => None,
    };
    let running = match ended {
        None => Some(running),
        Some(ended) => {
            writer.finish(&outbox, Ok(ended?));
            None
        }
    };
    let stream = futures::stream::unfold(Stream { outbox, running, writer }, |mut stream| async move {
        let bytes = stream.next().await?;
        Some((Ok::<_, Infallible>(bytes), stream))
    });
    Ok(events(stream))
}

/// A stream that is being read. Dropping it ends the turn.
struct Stream {
    outbox: Arc<Outbox<Event>>,
    /// None once it has ended.
    running: Option<Running>,
    writer: Writer,
}

impl Stream {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.writer.written.pop_front() {
                return Some(bytes);
            }
            let running = self.running.as_mut()?;
            tokio::select! {
                biased;
                out = self.outbox.next() => self.writer.write(out),
                ended = ended(running) => {
                    self.running = None;
                    self.writer.finish(&self.outbox, ended);
                }
                () = tokio::time::sleep(SILENCE) => {
                    self.writer.written.push_back(Bytes::from_static(b": still at work\n\n"));
                }
            }
        }
    }
}

/// Makes events of what happens.
struct Writer {
    form: Form,
    includes_usage: bool,
    written: VecDeque<Bytes>,
    /// Whether there were words since the answer began, and whether they belong to a step before.
    has_words: bool,
    is_next_step: bool,
}

impl Writer {
    fn new(form: Form, includes_usage: bool) -> Self {
        let first = data(&form.first());
        Self { form, includes_usage, written: [first].into(), has_words: false, is_next_step: false }
    }

    fn write(&mut self, out: Out<Event>) {
        let happened = match out {
            Out::Piece(piece) => piece,
            Out::Missed(count) => {
                Event::Notice { text: format!("{count} pieces are left out here: they were read too slowly") }
            }
            Out::Overrun => Event::Notice { text: "the rest is left out: it was read too slowly".to_owned() },
        };
        match &happened {
            Event::Text { text } if text.is_empty() => {}
            Event::Text { text } => {
                if self.has_words && self.is_next_step {
                    self.written.push_back(data(&self.form.words(GAP)));
                }
                (self.has_words, self.is_next_step) = (true, false);
                self.written.push_back(data(&self.form.words(text)));
            }
            // What was said cannot be taken back.
            Event::Restarted if self.has_words => self.written.push_back(data(&self.form.words(ANEW))),
            // The answer's own end says it.
            Event::Restarted | Event::Ended { .. } => {}
            step => {
                self.is_next_step |= matches!(step, Event::CallEnded { .. });
                self.written.push_back(event("tool", &self.form.step(step)));
            }
        }
    }

    /// Writes what still waits, and the end.
    fn finish(&mut self, outbox: &Outbox<Event>, ended: Result<Outcome, Refusal>) {
        while let Some(out) = outbox.try_next() {
            let is_overrun = out == Out::Overrun;
            self.write(out);
            if is_overrun {
                break;
            }
        }
        match ended {
            Ok(outcome) => {
                self.written.push_back(data(&self.form.last(&outcome)));
                if self.includes_usage {
                    self.written.push_back(data(&self.form.totals(&outcome)));
                }
            }
            Err(refusal) => {
                self.written.push_back(event("error", &ErrorBody { error: refusal.into_error() }));
            }
        }
        self.written.push_back(Bytes::from_static(b"data: [DONE]\n\n"));
    }
}

/// An event without a name.
fn data(data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_default();
    Bytes::from(format!("data: {data}\n\n"))
}

#[cfg(test)]
mod tests {
    use openclaw_agent::event::EndReason;
    use openclaw_agent::session::Totals;
    use serde_json::Value;

    use super::*;

    fn text(text: &str) -> Event {
        Event::Text { text: text.to_owned() }
    }

    fn called() -> Event {
        Event::CallEnded {
            id: "c".into(),
            tool: "acme__t__run".into(),
            outcome: "ok".into(),
            summary: "line\nbreak".into(),
            milliseconds: 1,
        }
    }

    /// What the writer makes of some events, as lines of names and data.
    fn written(seen: Vec<Event>, includes_usage: bool) -> Vec<(String, Value)> {
        let outbox = Outbox::default();
        seen.into_iter().for_each(|event| outbox.push(event));
        let mut writer = Writer::new(Form::new("coder", "c1", 2).unwrap(), includes_usage);
        let outcome =
            Outcome { text: String::new(), reason: EndReason::Steps, totals: Totals::default(), error: None };
        writer.finish(&outbox, Ok(outcome));
        let parse = |bytes: &Bytes| {
            let event = String::from_utf8(bytes.to_vec()).unwrap();
            let event = event.strip_suffix("\n\n").unwrap();
            let (name, data) = event.split_once('\n').unwrap_or(("", event));
            let data = data.strip_prefix("data: ").unwrap();
            (name.to_owned(), serde_json::from_str(data).unwrap_or_else(|_| data.into()))
        };
        writer.written.iter().map(parse).collect()
    }

    #[test]
    fn words_come_as_deltas_and_those_of_the_next_step_apart() {
        let events =
            vec![text("Let me "), text("look."), called(), text("Found."), Event::Restarted, text("No.")];
        let written = written(events, true);
        let words: String =
            written.iter().filter_map(|(_, data)| data["choices"][0]["delta"]["content"].as_str()).collect();
        assert_eq!(words, format!("Let me look.\n\nFound.{ANEW}No."));
        assert_eq!(written[0].1["choices"][0]["delta"]["role"], "assistant");
        assert_eq!(written[0].1["earlier_messages"], 2);
        let (name, step) = &written[2];
        assert_eq!((name.as_str(), step["step"]["type"].as_str()), ("event: tool", Some("call-ended")));
        assert_eq!(step["choices"][0]["delta"], serde_json::json!({}), "a chunk for those who know no steps");
        let [.., last, totals, done] = &written[..] else { panic!("{written:?}") };
        assert_eq!(last.1["choices"][0]["finish_reason"], "length");
        assert_eq!(last.1["choices"][0]["reason"], "steps");
        assert_eq!(totals.1["choices"], serde_json::json!([]));
        assert_eq!(done.1, "[DONE]");
        assert!(written.iter().all(|(_, data)| data == "[DONE]" || data["conversation_id"] == "c1"));
    }

    #[test]
    fn what_a_slow_reader_misses_is_said() {
        let many = (0..2000).map(|_| called()).collect();
        let written = written(many, false);
        let notice = written.iter().find(|(_, data)| data["step"]["type"] == "notice").unwrap();
        assert_eq!(notice.1["step"]["text"], "976 pieces are left out here: they were read too slowly");
    }
}
