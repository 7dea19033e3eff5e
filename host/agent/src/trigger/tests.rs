//! A scheduler under a clock of the test's own, over tools that are none.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use openclaw_package::manifest::{CronTrigger, Missed, Overlap};
use openclaw_runtime::{CallError, Report, dispatch::ToolResult, sandbox::Fault};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;

/// A clock that stands until it is told.
#[derive(Debug)]
struct TestClock {
    now: watch::Sender<Timestamp>,
    /// How often somebody began to wait.
    waits: AtomicUsize,
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep(&self, time: Duration) {
        let until = self.now() + time;
        self.waits.fetch_add(1, Ordering::SeqCst);
        let _ = self.now.subscribe().wait_for(|now| *now >= until).await;
    }
}

/// Tools that answer by their names: `fail`, `hang`, `panic`, and all others well.
#[derive(Debug)]
struct TestTools {
    triggers: Mutex<Vec<(ToolId, Trigger)>>,
    changes: watch::Sender<u64>,
    calls: mpsc::UnboundedSender<ToolCall>,
}

#[async_trait]
impl Dispatch for TestTools {
    fn triggers(&self) -> Vec<(ToolId, Trigger)> {
        self.triggers.lock().unwrap().clone()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    async fn call(&self, call: ToolCall, cancel: &Cancel) -> CallOutcome {
        let name = call.tool.tool().as_str().to_owned();
        self.calls.send(call).unwrap();
        match name.as_str() {
            "fail" => Err((CallError::Failed("no".to_owned()), Report::default())),
            "hang" => {
                cancel.given().await;
                Err((Fault::Cancelled.into(), Report::default()))
            }
            "panic" => panic!("as the test wants it"),
            _ => {
                let output = serde_json::value::RawValue::from_string("{}".to_owned()).unwrap();
                Ok(ToolResult { output, report: Report::default() })
            }
        }
    }
}

struct Bench {
    parent: tempfile::TempDir,
    dir: DataDir,
    clock: Arc<TestClock>,
    tools: Arc<TestTools>,
    calls: mpsc::UnboundedReceiver<ToolCall>,
}

struct Running {
    task: JoinHandle<()>,
    stop: Cancel,
    cut: Cancel,
}

impl Running {
    async fn end(self) {
        self.stop.cancel();
        self.cut.cancel();
        self.task.await.unwrap();
    }
}

fn cron(tool: &str, schedule: &str) -> (ToolId, Trigger) {
    let tool: ToolId = tool.parse().unwrap();
    let cron = CronTrigger {
        tool: tool.tool().clone(),
        schedule: schedule.parse().unwrap(),
        timezone: openclaw_package::ZoneName::utc(),
        missed: Missed::Skip,
        overlap: Overlap::Skip,
    };
    (tool, Trigger::Cron(cron))
}

fn once((tool, trigger): (ToolId, Trigger)) -> (ToolId, Trigger) {
    let Trigger::Cron(cron) = trigger else { panic!("a schedule") };
    (tool, Trigger::Cron(CronTrigger { missed: Missed::Once, ..cron }))
}

impl Bench {
    fn new(triggers: Vec<(ToolId, Trigger)>) -> Self {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::open(parent.path().join("data")).unwrap();
        let now = watch::Sender::new("2026-06-01T08:00:00Z".parse().unwrap());
        let clock = Arc::new(TestClock { now, waits: AtomicUsize::new(0) });
        let (sender, calls) = mpsc::unbounded_channel();
        let tools =
            TestTools { triggers: Mutex::new(triggers), changes: watch::Sender::new(0), calls: sender };
        Self { parent, dir, clock, tools: Arc::new(tools), calls }
    }

    fn spawn(&self) -> Running {
        let scheduler = Scheduler::new(&self.dir, self.tools.clone(), self.clock.clone()).unwrap();
        let (stop, cut) = (Cancel::default(), Cancel::default());
        let task = tokio::spawn(scheduler.run(stop.clone(), cut.clone()));
        Running { task, stop, cut }
    }

    /// Starts a scheduler, and waits until it knows its schedules and has nothing to do.
    async fn start(&self) -> Running {
        let before = self.clock.waits.load(Ordering::SeqCst);
        let running = self.spawn();
        self.until(|_| self.clock.waits.load(Ordering::SeqCst) > before).await;
        running
    }

    fn store(&self) -> Store {
        Store::open(&self.dir).unwrap()
    }

    async fn until(&self, is_so: impl Fn(&BTreeMap<String, Known>) -> bool) {
        let store = self.store();
        while !is_so(&store.known().unwrap()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits until a tool's last run came to this.
    async fn until_outcome(&self, tool: &str, outcome: &str) {
        let of_tool = |key: &str| key.starts_with(&format!("{tool} "));
        self.until(|known| {
            known.iter().any(|(key, known)| of_tool(key) && known.last_outcome.as_deref() == Some(outcome))
        })
        .await;
    }

    fn pass(&self, seconds: i64) {
        self.clock.now.send_modify(|now| *now += SignedDuration::from_secs(seconds));
    }

    async fn called(&mut self) -> ToolCall {
        self.calls.recv().await.unwrap()
    }

    async fn called_tool(&mut self) -> String {
        self.called().await.tool.to_string()
    }
}

#[tokio::test]
async fn a_run_holds_its_skills_grants_and_nothing_else() {
    let mut bench = Bench::new(vec![cron("acme/x/run", "* * * * *")]);
    let running = bench.start().await;
    bench.pass(60);
    let call = bench.called().await;
    assert_eq!((call.tool.as_str(), call.input.as_str(), &*call.caller), ("acme/x/run", "{}", "trigger"));
    assert!(call.workspace.is_none() && call.observer.is_none());
    bench.until_outcome("acme/x/run", "ok").await;
    running.end().await;
}

#[tokio::test]
async fn a_workspace_is_the_one_that_the_owner_named_for_the_tool() {
    let mut bench = Bench::new(vec![cron("acme/x/a", "* * * * *"), cron("acme/x/b", "* * * * *")]);
    let dir = bench.parent.path().join("code");
    std::fs::create_dir(&dir).unwrap();
    bench.store().set_workspace(&"acme/x/a".parse().unwrap(), Some(&dir)).unwrap();
    let running = bench.start().await;
    bench.pass(60);
    let mut workspaces = BTreeMap::new();
    for _ in 0..2 {
        let call = bench.called().await;
        workspaces.insert(call.tool.to_string(), call.workspace.map(|dir| dir.path().to_owned()));
    }
    assert_eq!(workspaces["acme/x/a"], Some(dir.canonicalize().unwrap()));
    assert_eq!(workspaces["acme/x/b"], None);
    bench.until_outcome("acme/x/a", "ok").await;
    std::fs::remove_dir(&dir).unwrap();
    bench.pass(60);
    assert_eq!(bench.called_tool().await, "acme/x/b");
    bench.until_outcome("acme/x/a", "invalid-workspace").await;
    running.end().await;
    assert!(bench.calls.try_recv().is_err(), "without its workspace it is not called");
}

#[tokio::test]
async fn a_failure_is_noted_and_not_tried_again() {
    let mut bench = Bench::new(vec![cron("acme/x/fail", "0 * * * *"), cron("acme/y/run", "0-30 9 * * *")]);
    let running = bench.start().await;
    bench.pass(3600);
    let mut called = [bench.called_tool().await, bench.called_tool().await];
    called.sort();
    assert_eq!(called, ["acme/x/fail", "acme/y/run"]);
    bench.until_outcome("acme/x/fail", "tool-failed").await;
    for _ in 0..5 {
        bench.until_outcome("acme/y/run", "ok").await;
        bench.pass(60);
        assert_eq!(bench.called_tool().await, "acme/y/run");
    }
    running.end().await;
}

#[tokio::test]
async fn a_run_that_panics_is_noted_and_stops_nothing() {
    let mut bench = Bench::new(vec![cron("acme/x/panic", "* * * * *")]);
    let running = bench.start().await;
    for _ in 0..2 {
        bench.pass(60);
        bench.called().await;
        bench.until_outcome("acme/x/panic", "host-failure").await;
    }
    running.end().await;
}

#[tokio::test]
async fn a_tool_that_hangs_holds_up_nobody_and_ends_with_the_scheduler() {
    let mut bench = Bench::new(vec![cron("acme/x/hang", "* * * * *"), cron("acme/y/run", "* * * * *")]);
    let running = bench.start().await;
    bench.pass(60);
    let mut called = [bench.called_tool().await, bench.called_tool().await];
    called.sort();
    assert_eq!(called, ["acme/x/hang", "acme/y/run"]);
    for _ in 0..3 {
        bench.until_outcome("acme/y/run", "ok").await;
        bench.pass(60);
        assert_eq!(bench.called_tool().await, "acme/y/run");
    }
    bench.until_outcome("acme/x/hang", "running").await;
    running.end().await;
    bench.until_outcome("acme/x/hang", "cancelled").await;
}

#[tokio::test]
async fn a_stop_begins_nothing_more_and_waits_for_what_runs() {
    let mut bench = Bench::new(vec![cron("acme/x/hang", "* * * * *")]);
    let running = bench.start().await;
    bench.pass(60);
    bench.called().await;
    running.stop.cancel();
    bench.pass(60);
    tokio::task::yield_now().await;
    assert!(!running.task.is_finished());
    running.end().await;
    assert!(bench.calls.try_recv().is_err());
}

#[tokio::test]
async fn a_run_that_was_cut_by_the_end_of_its_process_is_noted_as_interrupted() {
    let mut bench = Bench::new(vec![cron("acme/x/hang", "0 * * * *")]);
    let running = bench.start().await;
    bench.pass(3600);
    bench.called().await;
    running.task.abort();
    let _ = running.task.await;
    let next = bench.spawn();
    bench.until_outcome("acme/x/hang", "interrupted").await;
    next.end().await;
    assert!(bench.calls.try_recv().is_err(), "it is not run again");
}

#[tokio::test]
async fn what_was_missed_while_nothing_ran_is_skipped_or_run_once() {
    let triggers = vec![once(cron("acme/x/once", "0 * * * *")), cron("acme/x/skip", "0 * * * *")];
    let mut bench = Bench::new(triggers);
    bench.start().await.end().await;
    bench.pass(5 * 3600 + 60);
    let running = bench.start().await;
    assert_eq!(bench.called_tool().await, "acme/x/once");
    bench.until_outcome("acme/x/once", "ok").await;
    bench.pass(59 * 60);
    let mut called = [bench.called_tool().await, bench.called_tool().await];
    called.sort();
    assert_eq!(called, ["acme/x/once", "acme/x/skip"]);
    running.end().await;
    assert!(bench.calls.try_recv().is_err());
}

#[tokio::test]
async fn a_pause_outlives_the_process_and_ends_when_it_is_resumed() {
    let mut bench = Bench::new(vec![once(cron("acme/x/run", "* * * * *")), cron("acme/y/run", "* * * * *")]);
    bench.store().pause(&"acme/x/run".parse().unwrap()).unwrap();
    for _ in 0..2 {
        let running = bench.start().await;
        bench.pass(60);
        assert_eq!(bench.called_tool().await, "acme/y/run");
        bench.until_outcome("acme/y/run", "ok").await;
        running.end().await;
    }
    let running = bench.start().await;
    bench.store().resume(&"acme/x/run".parse().unwrap(), bench.clock.now()).unwrap();
    bench.pass(60);
    let mut called = [bench.called_tool().await, bench.called_tool().await];
    called.sort();
    assert_eq!(called, ["acme/x/run", "acme/y/run"]);
    running.end().await;
    assert!(bench.calls.try_recv().is_err(), "nothing is made up for");
}

#[tokio::test]
async fn of_two_schedulers_one_runs_and_the_other_takes_over() {
    let mut bench = Bench::new(vec![cron("acme/x/run", "* * * * *")]);
    let first = bench.start().await;
    let second = bench.spawn();
    for _ in 0..3 {
        bench.pass(60);
        bench.called().await;
        bench.until_outcome("acme/x/run", "ok").await;
    }
    assert!(bench.calls.try_recv().is_err(), "one call a minute");
    first.end().await;
    // The second looks each minute, and begins where the first was.
    let called = loop {
        bench.pass(60);
        tokio::select! {
            called = bench.calls.recv() => break called.unwrap(),
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
        }
    };
    assert_eq!(called.tool.as_str(), "acme/x/run");
    second.end().await;
}

#[tokio::test]
async fn what_is_installed_later_is_called_and_what_is_removed_is_not() {
    let mut bench = Bench::new(vec![cron("acme/x/old", "* * * * *")]);
    let running = bench.start().await;
    *bench.tools.triggers.lock().unwrap() = vec![cron("acme/x/new", "* * * * *")];
    bench.tools.changes.send_modify(|count| *count += 1);
    bench.until(|known| known.len() == 2).await;
    bench.pass(60);
    assert_eq!(bench.called_tool().await, "acme/x/new");
    running.end().await;
    assert!(bench.calls.try_recv().is_err());
}

#[tokio::test]
async fn a_thousand_triggers_at_once_are_all_called() {
    let triggers = (0..1000).map(|at| cron(&format!("acme/s{}/t{at}", at / 30), "0 9 * * *"));
    let mut bench = Bench::new(triggers.collect());
    let running = bench.start().await;
    bench.pass(3600);
    let mut called = std::collections::BTreeSet::new();
    while called.len() < 1000 {
        assert!(called.insert(bench.called_tool().await), "one is called twice");
    }
    bench.until(|known| known.values().all(|known| known.last_outcome.as_deref() == Some("ok"))).await;
    running.end().await;
}

#[tokio::test]
async fn without_its_notes_nothing_is_called() {
    let mut bench = Bench::new(vec![cron("acme/x/run", "* * * * *")]);
    let running = bench.start().await;
    let file = rusqlite::Connection::open(bench.dir.triggers()).unwrap();
    file.execute_batch("ALTER TABLE schedule RENAME TO elsewhere").unwrap();
    for _ in 0..3 {
        bench.pass(60);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(bench.calls.try_recv().is_err());
    file.execute_batch("ALTER TABLE elsewhere RENAME TO schedule").unwrap();
    bench.pass(60);
    bench.called().await;
    running.end().await;
}
