//! The audit of a whole log: what is hidden from those who do not read it.

use openclaw_package::registry::{Action, LoggedEvent};
use openclaw_registry_client::{Silent, WatchFinding, WatchReport};

use crate::home::{Home, at_home};
use crate::server::{Answer, Server};
use crate::world::{acme, hello, key};

async fn watch(home: &Home) -> WatchReport {
    home.client().watch_log(&Silent).await.unwrap()
}

fn codes(report: &WatchReport) -> Vec<&'static str> {
    report.findings.iter().map(WatchFinding::code).collect()
}

/// Puts many events into a log, quickly.
fn grow(server: &Server, count: usize) {
    server.world(|world| {
        for number in 0..count {
            let (mut history, mut logged) = world.histories.remove(&acme()).unwrap();
            let (name, version) = (hello().name().clone(), "1.0.0".parse().unwrap());
            let reason = "so it is".parse().unwrap();
            let action = if number % 2 == 0 {
                Action::Yank { name, version, reason }
            } else {
                Action::Unyank { name, version, reason }
            };
            let event = history.next(jiff::Timestamp::now(), action).sign(&[&key(1)]);
            history.accept(&event).unwrap();
            let entry = String::from_utf8(event.to_json()).unwrap();
            logged.push(LoggedEvent { index: world.entries.len() as u64, entry: entry.clone() });
            world.entries.push(entry.into_bytes());
            world.histories.insert(acme(), (history, logged));
        }
    });
}

#[tokio::test]
async fn an_honest_log_is_read_once() {
    let (server, home) = at_home().await;
    server.world(|world| {
        world.publish(&"other/skill".parse().unwrap(), "1.0.0");
        world.take_down(&"other/skill".parse().unwrap(), None);
        world.next_root(|parts| parts.expires = crate::world::in_days(99));
    });
    grow(&server, 700);
    let report = watch(&home).await;
    assert!(report.findings.is_empty(), "{report:?}");
    assert_eq!((report.from, report.compared), (0, 2));
    let bundles = server.requests("/tile/entries/").len();
    grow(&server, 3);
    let again = watch(&home).await;
    assert_eq!((again.from, again.to), (report.to, report.to + 3));
    assert!(again.findings.is_empty(), "{again:?}");
    assert_eq!(server.requests("/tile/entries/").len(), bundles + 1);
    assert_eq!(watch(&home).await.compared, 0);
}

#[tokio::test]
async fn withheld_revocations_and_releases_are_found() {
    let (server, home) = at_home().await;
    let young = server.world(|world| world.histories.clone());
    server.world(|world| {
        world.event(&acme(), Action::Grant { key: key(2).public_key() }, &[1, 2]);
        let reason = "it was stolen".parse().unwrap();
        world.event(&acme(), Action::Revoke { key: key(1).public_key(), reason }, &[2]);
        // The log has them; who asks for the history is not told.
        world.histories = young;
    });
    home.resolve("*").await.unwrap();
    let report = watch(&home).await;
    assert_eq!(codes(&report), ["history-withheld"]);
    // It is found again, not only once.
    assert_eq!(codes(&watch(&home).await), ["history-withheld"]);
}

#[tokio::test]
async fn events_that_were_served_and_never_logged_are_found() {
    let (server, home) = at_home().await;
    server.world(|world| {
        let index = world.entries.len() as u64;
        world.event(&"other".parse().unwrap(), Action::Init { key: key(9).public_key() }, &[9]);
        let (history, logged) = world.histories.get_mut(&acme()).unwrap();
        let action = Action::Grant { key: key(2).public_key() };
        let event = history.next(jiff::Timestamp::now(), action).sign(&[&key(1), &key(2)]);
        history.accept(&event).unwrap();
        logged.push(LoggedEvent { index, entry: String::from_utf8(event.to_json()).unwrap() });
        // The newest event is in the log, as everybody checks; the one before is not.
        world.event(&acme(), Action::Grant { key: key(3).public_key() }, &[1, 3]);
    });
    home.client().history(&acme()).await.unwrap();
    assert_eq!(codes(&watch(&home).await), ["bad-event", "not-in-log"]);
}

#[tokio::test]
async fn withheld_takedowns_and_strange_entries_are_found() {
    let (server, home) = at_home().await;
    server.world(|world| {
        world.take_down(&hello(), None);
        world.takedowns.takedowns.clear();
        world.entries.push(b"rubbish".to_vec());
        let entry = world.entries[2].clone();
        world.entries.push(entry);
    });
    assert_eq!(codes(&watch(&home).await), ["takedown-withheld", "unknown-entry", "bad-event"]);
}

#[tokio::test]
async fn a_root_that_only_the_log_has_is_found() {
    let (server, home) = at_home().await;
    server.world(|world| {
        world.next_root(|parts| parts.expires = crate::world::in_days(99));
        world.roots.pop();
    });
    assert_eq!(codes(&watch(&home).await), ["root-withheld"]);
}

#[tokio::test]
async fn entries_that_are_not_those_of_the_checkpoint_are_refused_and_nothing_is_remembered() {
    let (server, home) = at_home().await;
    grow(&server, 300);
    home.client().refresh().await.unwrap();
    let world = server.world(|world| world.clone());
    server.lie("/tile/entries/000", move |_, _| {
        let mut entries = world.entries[..256].to_vec();
        entries[2] = entries[1].clone();
        let bytes = openclaw_package::log::encode_entries(entries.iter().map(Vec::as_slice)).unwrap();
        Answer::new(200, "application/octet-stream", bytes)
    });
    let error = home.refused(async { home.client().watch_log(&Silent).await }).await;
    assert_eq!(error.code(), "log-inconsistent");
    server.be_honest();
    assert!(watch(&home).await.findings.is_empty());
}

#[tokio::test]
async fn an_audit_that_broke_off_goes_on_where_it_was() {
    let (server, home) = at_home().await;
    grow(&server, 600);
    server.lie("/tile/entries/002", |_, _| Answer::error(503, "down"));
    assert!(home.client().watch_log(&Silent).await.unwrap_err().is_outage());
    server.be_honest();
    let before = server.requests("/tile/entries/000").len();
    let report = watch(&home).await;
    assert_eq!(report.from, 512);
    assert_eq!(server.requests("/tile/entries/000").len(), before);
    assert!(report.findings.is_empty());
}

#[tokio::test]
async fn what_is_remembered_of_a_log_with_many_publishers_can_be_read_again() {
    let (_server, home) = at_home().await;
    let to = watch(&home).await.to;
    let file = home.registry_dir().join("watch.json");
    let mut large = std::fs::read(&file).unwrap();
    large.resize(17 << 20, b' ');
    std::fs::write(&file, large).unwrap();
    assert_eq!(watch(&home).await.from, to);
}
