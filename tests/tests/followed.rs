//! A call that somebody follows: its lines and its progress come while it runs, at both levels, within the limits of a call.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail so")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use openclaw_runtime::capability::log::LogLine;
use openclaw_runtime::{Observer, Progress, Runtime};
use openclaw_tests::embedded::{open, open_isolated, tool_call};
use openclaw_tests::{Home, Skill};
use serde_json::json;

/// Notes what it hears, and when.
#[derive(Debug, Default)]
struct Notes(Mutex<Vec<(Instant, String)>>);

impl Notes {
    fn note(&self, text: String) {
        self.0.lock().unwrap().push((Instant::now(), text));
    }

    fn texts(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|(_, text)| text.clone()).collect()
    }
}

impl Observer for Notes {
    fn logged(&self, line: &LogLine) {
        self.note(line.message.clone());
    }

    fn progressed(&self, progress: &Progress) {
        self.note(format!("{}/{:?} {}", progress.done, progress.total, progress.message));
    }
}

async fn follow(runtime: &Runtime, home: &Home, input: serde_json::Value) -> (Arc<Notes>, Vec<LogLine>) {
    let notes = Arc::new(Notes::default());
    let mut call = tool_call(home, "compute/narrate", &input);
    call.observer = Some(Arc::<Notes>::clone(&notes));
    let result = runtime.dispatcher().call(call).await.unwrap();
    (notes, result.report.log)
}

fn levels(home: &Home) -> [Runtime; 2] {
    [open(home, 4), open_isolated(home, 4)]
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_and_progress_come_in_order_and_made_harmless() {
    let home = Home::with(&Skill::guest("compute"));
    for runtime in levels(&home) {
        let (notes, log) = follow(&runtime, &home, json!({"steps": 2})).await;
        assert_eq!(
            notes.texts(),
            ["step 1\\u{1b}[2J", "1/Some(2) did 1", "step 2\\u{1b}[2J", "2/Some(2) did 2"],
        );
        let kept: Vec<_> = log.iter().map(|line| line.message.as_str()).collect();
        assert_eq!(kept, ["step 1\\u{1b}[2J", "step 2\\u{1b}[2J"], "progress is no part of the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn they_come_while_the_guest_runs() {
    let home = Home::with(&Skill::guest("compute"));
    for runtime in levels(&home) {
        let (notes, _) = follow(&runtime, &home, json!({"steps": 4, "pause_ms": 50})).await;
        let notes = notes.0.lock().unwrap();
        let (first, last) = (notes.first().unwrap().0, notes.last().unwrap().0);
        assert!(last.duration_since(first) >= Duration::from_millis(140), "not all at the end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_tells_without_end_is_heard_to_the_limits_of_a_call() {
    let home = Home::with(&Skill::guest("compute"));
    for runtime in levels(&home) {
        let (notes, log) = follow(&runtime, &home, json!({"steps": 5_000})).await;
        assert_eq!(log.len(), 1_000);
        let reports = notes.texts().iter().filter(|text| text.contains("/Some")).count();
        assert_eq!((reports, notes.texts().len()), (1_000, 2_000));
        // The worker, if there is one, is used again, and tells nothing of the call before.
        let (notes, _) = follow(&runtime, &home, json!({"steps": 1})).await;
        assert_eq!(notes.texts().len(), 2);
    }
}
