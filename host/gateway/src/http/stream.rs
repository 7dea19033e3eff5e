//! A call that is followed while it runs, as server-sent events.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use futures::Stream;
use openclaw_package::name::ToolId;
use openclaw_runtime::capability::log::LogLine;
use openclaw_runtime::dispatch::CallOutcome;
use openclaw_runtime::{Observer, Progress};
use serde::Serialize;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::answer::{Refusal, SILENCE, events};
use super::documents::{CallReport, Called, Done, ErrorBody, FailedCall, Line};
use super::tools::Running;
use super::{App, Authenticated};
use crate::service::Request;
use crate::tokens::Token;

/// Events that wait for a slow client; what comes beyond that is not sent, and stands in the report all the same.
const WAITING: usize = 1024;

/// Hands on what a call says while it runs. It never waits for the client.
struct Events(Sender<Bytes>);

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}

impl Observer for Events {
    fn logged(&self, line: &LogLine) {
        let _ = self.0.try_send(event("log", &Line::from(line)));
    }

    fn progressed(&self, progress: &Progress) {
        let _ = self.0.try_send(event("progress", &Done::from(progress)));
    }
}

/// Starts a call, and answers with what it says.
pub(super) fn call(app: &Arc<App>, token: Arc<Token>, tool: ToolId, input: String) -> Response {
    let (sender, receiver) = channel(WAITING);
    let observer: Option<Arc<dyn Observer>> = Some(Arc::new(Events(sender)));
    let running =
        Running::start(app, Authenticated(token), Request { tool, input, observer, respondent: None });
    events(follow(receiver, running))
}

/// What is next to be sent.
enum Next {
    Events(Receiver<Bytes>, std::pin::Pin<Box<dyn Future<Output = Bytes> + Send>>),
    Rest(Receiver<Bytes>, Bytes),
    End,
}

fn follow(receiver: Receiver<Bytes>, running: Running) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let ending = Box::pin(async move { last(running.ended().await) });
    futures::stream::unfold(Next::Events(receiver, ending), |next| async move { step(next).await })
}

async fn step(next: Next) -> Option<(Result<Bytes, Infallible>, Next)> {
    match next {
        Next::Events(mut receiver, mut ending) => tokio::select! {
            biased;
            Some(event) = receiver.recv() => Some((Ok(event), Next::Events(receiver, ending))),
            last = &mut ending => Some(rest(receiver, last)),
            () = tokio::time::sleep(SILENCE) => {
                Some((Ok(Bytes::from_static(b": still running\n\n")), Next::Events(receiver, ending)))
            }
        },
        Next::Rest(receiver, last) => Some(rest(receiver, last)),
        Next::End => None,
    }
}

/// What was said before the end comes before it.
fn rest(mut receiver: Receiver<Bytes>, last: Bytes) -> (Result<Bytes, Infallible>, Next) {
    match receiver.try_recv() {
        Ok(event) => (Ok(event), Next::Rest(receiver, last)),
        Err(_) => (Ok(last), Next::End),
    }
}

/// The event with which a call ends.
fn last(ended: Result<CallOutcome, Refusal>) -> Bytes {
    match ended {
        Ok(Ok(answer)) => {
            event("result", &Called { result: &answer.output, report: (&answer.report).into() })
        }
        Ok(Err((error, report))) => {
            event("error", &FailedCall { error: (&error).into(), report: CallReport::from(&report) })
        }
        Err(refusal) => event("error", &ErrorBody { error: refusal.into_error() }),
    }
}

/// An event: its data is JSON on one line, whatever a guest puts into it.
pub(super) fn event(name: &str, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_default();
    // A tool's own result may be laid out on several lines; outside of strings they mean nothing.
    let data = data.replace(['\n', '\r'], " ");
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn a_result_of_several_lines_forges_no_event() {
        let raw = RawValue::from_string("{\r\n\"a\":\n\"event: result\\n\\n\"}".to_owned()).unwrap();
        let text = String::from_utf8(event("result", &raw).to_vec()).unwrap();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.ends_with("\n\n") && !text.contains('\r'));
    }
}
