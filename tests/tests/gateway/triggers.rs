//! Triggers of a gateway that runs: without waiting, since what was missed is made up for at the start.

use std::ffi::OsStr;

use openclaw_agent::trigger;
use openclaw_runtime::catalog::Catalog;
use openclaw_runtime::layout::DataDir;
use openclaw_tests::gateway::Gateway;
use openclaw_tests::{Home, Skill};
use rustix::process::Signal;
use serde_json::Value;

const HOURLY: &str =
    "\n[[trigger]]\ntype = \"cron\"\nschedule = \"0 * * * *\"\nmissed = \"once\"\ntool = \"run\"\n";

fn listed(home: &Home, skill: &str) -> Value {
    let listed = home.run(["trigger", "list"]).json();
    let tool = format!("acme/{skill}/run");
    listed.as_array().unwrap().iter().find(|trigger| trigger["tool"] == *tool).unwrap().clone()
}

/// Has it noted that schedules were seen to for the last time two hours ago.
fn miss_two_hours(home: &Home) {
    let notes = rusqlite::Connection::open(home.data().join("triggers.db")).unwrap();
    assert!(notes.execute("UPDATE schedule SET seen = seen - 7200", []).unwrap() > 0);
}

/// A home whose gateway knew these skills two hours ago.
fn knowing(skills: &[Skill]) -> Home {
    let home = Home::new();
    for skill in skills {
        home.install(skill);
    }
    let mut gateway = Gateway::start(&home);
    let path = home.data().join("triggers.db");
    gateway.wait_until("schedules are noted", || {
        let count = |notes: rusqlite::Connection| {
            notes.query_row("SELECT count(*) FROM schedule", [], |row| row.get::<_, usize>(0))
        };
        path.is_file()
            && rusqlite::Connection::open(&path).and_then(count).is_ok_and(|count| count == skills.len())
    });
    gateway.signal(Signal::TERM);
    assert!(gateway.ended().success());
    drop(gateway);
    miss_two_hours(&home);
    home
}

#[test]
fn a_gateway_makes_up_for_a_run_that_was_missed_and_records_it() {
    let home = knowing(&[Skill::tiny("ticks").manifest_text(HOURLY)]);
    assert_eq!(listed(&home, "ticks")["last_run"], Value::Null);
    let mut gateway = Gateway::start(&home);
    gateway.wait_until("it ran", || listed(&home, "ticks")["last_outcome"] == "ok");
    assert_eq!(
        home.run(["gateway", "--status", "--listen", &gateway.address().to_string()]).json()["trigger_runs"],
        1
    );
    assert!(gateway.get("/metrics").text().contains("openclaw_trigger_runs_total 1"));
    gateway.signal(Signal::TERM);
    assert!(gateway.ended().success());
    let audit = home.run(["audit", "--caller", "trigger"]).json();
    let records = audit.as_array().unwrap();
    assert_eq!(records.len(), 1, "{audit}");
    assert_eq!((&records[0]["tool"], &records[0]["outcome"]), (&"acme/ticks/run".into(), &"ok".into()));
}

#[test]
fn a_paused_trigger_is_not_run_until_it_is_resumed_or_forgotten() {
    let ticks = |name: &str| Skill::tiny(name).manifest_text(HOURLY);
    let home = knowing(&[ticks("paused"), ticks("runs")]);
    home.run(["trigger", "pause", "acme/paused"]).json();
    let mut gateway = Gateway::start(&home);
    gateway.wait_until("the other ran", || listed(&home, "runs")["last_outcome"] == "ok");
    gateway.signal(Signal::TERM);
    assert!(gateway.ended().success());
    let paused = listed(&home, "paused");
    assert_eq!(
        (&paused["paused"], &paused["last_run"], &paused["next"]),
        (&true.into(), &Value::Null, &Value::Null)
    );
    home.run(["remove", "acme/paused", "--purge"]).json();
    home.install(&ticks("paused"));
    assert_eq!(listed(&home, "paused")["paused"], false, "a purge forgets it");
}

#[test]
fn new_triggers_wait_for_consent_and_known_ones_do_not() {
    let home = Home::new();
    let ticks = Skill::tiny("ticks").manifest_text(HOURLY);
    let install = |skill: &Skill| {
        let archive = home.pack(skill);
        home.run([OsStr::new("install"), archive.as_ref()])
    };
    let error = |ran: openclaw_tests::Ran| -> Value { serde_json::from_str(&ran.stderr).unwrap() };
    let refused = error(install(&ticks));
    assert_eq!(refused["error"]["code"], "consent-needed");
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("have run called by itself, at 0 * * * * (UTC)"), "{message}");
    home.install(&ticks);
    install(&ticks.clone().versioned("1.0.1")).success();
    let wider = HOURLY.replace("0 * * * *", "*/5 * * * *");
    let refused = error(install(&Skill::tiny("ticks").versioned("1.0.2").manifest_text(&wider)));
    assert_eq!(refused["error"]["code"], "consent-needed");
    let command = "\n[[trigger]]\ntype = \"command\"\npattern = \".*\"\ntool = \"run\"\n";
    let refused = error(install(&ticks.clone().versioned("1.0.3").manifest_text(command)));
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("have run called for commands that match .*"), "{message}");
    assert!(!message.contains("by itself"), "that is known: {message}");
    install(&Skill::tiny("ticks").versioned("1.0.4")).success();
}

#[test]
fn a_zone_that_is_not_there_is_told_of_by_name() {
    let nowhere = HOURLY.replace("missed", "timezone = \"Europe/Atlantis\"\nmissed");
    let home = Home::with(&Skill::tiny("ticks"));
    let hint = "install or update the system's tzdata";
    let archive = home.pack(&Skill::tiny("ticks").versioned("1.0.1").manifest_text(&nowhere));
    let installed = home.plain([OsStr::new("install"), archive.as_ref(), "--yes".as_ref()]);
    assert!(installed.stderr.contains("Atlantis, so that this is never called"), "{}", installed.stderr);
    assert!(installed.stderr.contains(hint), "{}", installed.stderr);
    let shown = home.plain(["trigger", "list"]);
    assert!(shown.stderr.contains(hint), "{}", shown.stderr);
    let listed = listed(&home, "ticks");
    assert_eq!(listed["problem"], "this machine knows no time zone Europe/Atlantis");
    assert_eq!(listed["next"], Value::Null);
}

#[test]
fn to_look_at_the_triggers_of_one_skill_no_other_is_verified() {
    let ticks = |name: &str| Skill::tiny(name).manifest_text(HOURLY);
    let home = Home::with(&ticks("one"));
    home.install(&ticks("other"));
    let catalog = Catalog::load(&DataDir::open(home.data()).unwrap()).unwrap();
    let skill = "acme/one".parse().unwrap();
    let tools: Vec<_> = trigger::of(&catalog, &skill).map(|(tool, _)| tool.to_string()).collect();
    assert_eq!((tools, catalog.loaded()), (vec!["acme/one/run".to_owned()], 1));
    assert_eq!((trigger::installed(&catalog).count(), catalog.loaded()), (2, 2));
    let paused = home.run(["trigger", "pause", "acme/one"]).json();
    assert_eq!(paused["tools"], serde_json::json!(["acme/one/run"]));
}
