//! A publisher's history: who may add what, and what stays as it was when an event is refused.

use openclaw_package::registry::{Action, History, Index, IndexLine};
use openclaw_package::{Digest, SigningKey};

use crate::common::key;
use crate::registry::{PUBLISHER_KEY, Registry, now, origin, release, version};

fn refused(history: &History, action: Action, keys: &[&SigningKey]) -> &'static str {
    let mut tried = history.clone();
    let error = tried.accept(&history.next(now(), action).sign(keys)).unwrap_err();
    assert_eq!(&tried, history, "a refused event changes nothing");
    error.code()
}

fn revoke(key: &SigningKey) -> Action {
    Action::Revoke { key: key.public_key(), reason: "lost".parse().unwrap() }
}

#[test]
fn keys_come_and_go() {
    let mut registry = Registry::new();
    let (first, second) = (key(PUBLISHER_KEY), key(9));
    assert_eq!(refused(&registry.history, revoke(&first), &[&first]), "last-key");
    let grant = Action::Grant { key: second.public_key() };
    assert_eq!(refused(&registry.history, grant.clone(), &[&first]), "bad-signature", "not held");
    assert_eq!(refused(&registry.history, grant.clone(), &[&second]), "bad-signature", "not granted");
    registry.add_signed(grant.clone(), &[&first, &second]);
    assert_eq!(refused(&registry.history, grant.clone(), &[&first, &second]), "known-key");
    registry.add_signed(revoke(&first), &[&second]);
    assert!(
        registry.history.is_active(&second.public_key()) && !registry.history.is_active(&first.public_key())
    );
    let again = Action::Grant { key: first.public_key() };
    assert_eq!(refused(&registry.history, again, &[&first, &second]), "known-key");
    assert_eq!(refused(&registry.history, revoke(&first), &[&second]), "inactive-key");
}

#[test]
fn a_history_begins_once_and_each_event_follows() {
    let first = key(PUBLISHER_KEY);
    let empty = History::new(origin(), "acme".parse().unwrap());
    let start = Action::Release(release("1.0.0", &first));
    assert_eq!(refused(&empty, start, &[&first]), "invalid-history");
    let registry = Registry::new();
    let init = Action::Init { key: first.public_key() };
    assert_eq!(refused(&registry.history, init, &[&first]), "invalid-history");
    let stale = empty.next(now(), Action::Init { key: first.public_key() }).sign(&[&first]);
    assert_eq!(registry.history.clone().accept(&stale).unwrap_err().code(), "history-moved");
    let mut forked = registry.history.next(now(), Action::Release(release("1.0.0", &first)));
    forked.previous = Some(Digest::of(b"another"));
    assert_eq!(registry.history.clone().accept(&forked.sign(&[&first])).unwrap_err().code(), "history-moved");
    forked.previous = registry.history.head();
    forked.publisher = "other".parse().unwrap();
    assert_eq!(
        registry.history.clone().accept(&forked.sign(&[&first])).unwrap_err().code(),
        "wrong-publisher"
    );
}

#[test]
fn versions_have_no_build_metadata_and_unknown_fields_are_refused() {
    let registry = Registry::new();
    let first = key(PUBLISHER_KEY);
    let built = Action::Release(release("1.0.0+1", &first));
    assert_eq!(refused(&registry.history, built, &[&first]), "build-metadata");
    let event = registry.history.next(now(), Action::Release(release("1.0.0", &first)));
    let payload = serde_json::to_string(&event).unwrap();
    for broken in [
        payload.replacen('{', "{\"extra\":1,", 1),
        payload.replace("\"visibility\"", "\"extra\":1,\"visibility\""),
        payload.replacen("\"sequence\":1", "\"sequence\":1,\"sequence\":1", 1),
    ] {
        assert_ne!(broken, payload);
        let kind = openclaw_package::registry::event::EVENT_PAYLOAD_TYPE;
        let envelope = openclaw_package::Envelope::sign(kind, broken.as_bytes(), &[&first]);
        let error = registry.history.clone().accept(&envelope).unwrap_err();
        assert_eq!(error.code(), "invalid-document", "{broken}");
    }
}

#[test]
fn a_history_can_be_stored() {
    let registry = Registry::new();
    let stored = serde_json::to_string(&registry.history).unwrap();
    assert_eq!(serde_json::from_str::<History>(&stored).unwrap(), registry.history);
}

#[test]
fn an_index_tells_what_became_of_each_version() {
    let line = |text: &str| IndexLine::Release {
        version: version(text),
        archive: Digest::of(b"a"),
        size: 1,
        signature: Digest::of(b"s"),
        log_index: 7,
        time: now(),
    };
    let yank = IndexLine::Yank { version: version("1.0.0"), reason: "broken".to_owned() };
    let unyank = IndexLine::Unyank { version: version("1.0.0"), reason: "mended".to_owned() };
    let takedown = IndexLine::Takedown { version: version("1.1.0"), reason: "malware".to_owned() };
    let text = |lines: &[IndexLine]| lines.iter().map(IndexLine::to_line).collect::<String>();
    let lines = [line("1.0.0"), yank.clone(), line("1.1.0"), takedown];
    let index = Index::parse(&text(&lines)).unwrap();
    assert_eq!(index.get(&version("1.0.0")).unwrap().yanked.as_deref(), Some("broken"));
    assert_eq!(index.get(&version("1.1.0")).unwrap().taken_down.as_deref(), Some("malware"));
    let index = Index::parse(&text(&[line("1.0.0"), yank.clone(), unyank])).unwrap();
    assert_eq!(index.get(&version("1.0.0")).unwrap().yanked, None);
    for broken in [text(&[yank]), text(&[line("1.0.0"), line("1.0.0")]), "{}\n".to_owned(), "\n".to_owned()] {
        assert_eq!(Index::parse(&broken).unwrap_err().code(), "invalid-index");
    }
}

#[test]
fn an_event_carries_no_more_signatures_than_it_needs() {
    // Each is tried with each key: what a registry serves must not cost more than its length says.
    let registry = Registry::new();
    let first = key(PUBLISHER_KEY);
    let release = Action::Release(release("1.0.0", &first));
    assert_eq!(refused(&registry.history, release, &[&first, &key(8), &key(9)]), "envelope-too-large");
}
