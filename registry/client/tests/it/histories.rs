//! Publishers' histories: whose keys count, from where to where, and that nothing is taken back.

use openclaw_package::registry::{Action, Event, History, LoggedEvent, Provenance};
use openclaw_package::{Digest, Envelope};

use crate::home::at_home;
use crate::server::{Answer, Request};
use crate::world::{World, acme, hello, key};

fn grant(world: &mut World, new: u8, signer: u8) {
    world.event(&acme(), Action::Grant { key: key(new).public_key() }, &[signer, new]);
}

fn revoke(world: &mut World, old: u8, signer: u8) {
    let action = Action::Revoke { key: key(old).public_key(), reason: "it was stolen".parse().unwrap() };
    world.event(&acme(), action, &[signer]);
}

/// Changes each provenance on its way.
fn forged(change: impl Fn(&mut Provenance) + Send + 'static) -> impl FnMut(&Request, Answer) -> Answer {
    move |_, answer| {
        let mut provenance: Provenance = serde_json::from_slice(&answer.bytes).unwrap();
        change(&mut provenance);
        Answer::json(serde_json::to_vec(&provenance).unwrap())
    }
}

#[tokio::test]
async fn a_release_signed_before_its_key_was_revoked_is_accepted() {
    let (server, home) = at_home().await;
    server.world(|world| {
        grant(world, 2, 1);
        revoke(world, 1, 2);
    });
    let resolved = home.resolve("*").await.unwrap();
    assert!(resolved.is_signer_revoked());
}

#[tokio::test]
async fn a_release_by_a_key_that_was_revoked_before_is_refused() {
    let (server, home) = at_home().await;
    server.world(|world| {
        grant(world, 2, 1);
        revoke(world, 1, 2);
    });
    // The registry lets a thief of the old key release all the same.
    server.world(|world| {
        let (history, logged) = world.histories.get(&acme()).unwrap().clone();
        let pack = crate::world::pack(&hello(), "1.1.0", 1);
        let release = openclaw_package::registry::Release {
            name: hello().name().clone(),
            version: "1.1.0".parse().unwrap(),
            archive: pack.digest,
            statement: pack.statement,
            signer: key(1).public_key(),
            visibility: openclaw_package::registry::Visibility::Public,
        };
        let event = history.next(jiff::Timestamp::now(), Action::Release(release)).sign(&[&key(1)]);
        let entry = String::from_utf8(event.to_json()).unwrap();
        let index = world.entries.len() as u64;
        world.entries.push(entry.clone().into_bytes());
        let mut logged = logged;
        logged.push(LoggedEvent { index, entry });
        world.histories.insert(acme(), (history, logged));
        let line = openclaw_package::registry::IndexLine::Release {
            version: "1.1.0".parse().unwrap(),
            archive: pack.digest,
            size: pack.archive.len() as u64,
            signature: Digest::of(&pack.signature),
            log_index: index,
            time: jiff::Timestamp::now(),
        };
        *world.indexes.get_mut(&hello()).unwrap() += &line.to_line();
    });
    let error = home.refused(home.resolve("*")).await;
    assert_eq!(error.code(), "bad-signature");
    assert!(error.to_string().contains("acme"), "{error}");
}

#[tokio::test]
async fn a_key_that_the_publisher_never_granted_is_refused() {
    let (server, home) = at_home().await;
    // The registry grants itself a key, and logs that.
    server.world(|world| {
        let mut other = world.clone();
        let (history, _) = &other.histories[&acme()];
        let event = history.next(jiff::Timestamp::now(), Action::Grant { key: key(66).public_key() });
        let entry = String::from_utf8(event.sign(&[&key(66)]).to_json()).unwrap();
        let index = other.entries.len() as u64;
        other.entries.push(entry.clone().into_bytes());
        other.histories.get_mut(&acme()).unwrap().1.push(LoggedEvent { index, entry });
        *world = other;
    });
    assert_eq!(home.refused(home.resolve("*")).await.code(), "bad-signature");
}

#[tokio::test]
async fn a_history_that_shrank_is_refused_and_kept() {
    let (server, home) = at_home().await;
    let young = server.world(|world| world.clone());
    server.world(|world| {
        grant(world, 2, 1);
        revoke(world, 1, 2);
    });
    home.resolve("*").await.unwrap();
    // The revocation is withheld, in the log as it is now.
    server.world(|world| world.histories = young.histories.clone());
    let error = home.refused(home.resolve("*")).await;
    assert_eq!(error.code(), "history-shrank");
    assert!(home.evidence("history-shrank").contains_key("served.ndjson"));
    let error = home.refused(async { home.client().history(&acme()).await }).await;
    assert_eq!(error.code(), "history-shrank");
}

#[tokio::test]
async fn a_history_that_was_rewritten_is_refused_and_kept() {
    let (server, home) = at_home().await;
    home.resolve("*").await.unwrap();
    // The same publisher, the same keys, another release in the same place, and it is all in the log.
    server.world(|world| {
        world.histories.clear();
        world.publish(&"acme/another".parse().unwrap(), "1.0.0");
        world.publish(&"acme/third".parse().unwrap(), "1.0.0");
        world.indexes.clear();
        world.publish(&hello(), "1.0.0");
    });
    let error = home.refused(home.resolve("*")).await;
    assert_eq!(error.code(), "history-forked");
    let kept = home.evidence("history-forked");
    assert!(kept["seen.txt"].contains("length: 2"));
}

#[tokio::test]
async fn a_cached_history_is_extended_and_never_believed() {
    let (server, home) = at_home().await;
    assert_eq!(home.client().history(&acme()).await.unwrap().state().length(), 2);
    server.world(|world| world.publish(&hello(), "1.0.1"));
    assert_eq!(home.client().history(&acme()).await.unwrap().events().len(), 3);
    assert!(server.requests("/api/v1/publishers/acme/history?after=2").len() == 1);
    // Another history in the cache costs a request, nothing more.
    let mut other = World::new("skills.example.com");
    other.publish_by(&"acme/other".parse().unwrap(), "1.0.0", 9);
    let lines = other.history(&acme(), 0).unwrap();
    for (path, content) in crate::home::files_below(&home.place.path().join("cache/documents")) {
        let text = String::from_utf8(content).unwrap();
        if text.contains("/history?after=0") {
            let label = text.lines().next().unwrap();
            let digest = Digest::of(&text.as_bytes()[label.len() + 1..]).to_string();
            let label = label.replace(&digest, &Digest::of(lines.as_bytes()).to_string());
            std::fs::write(path, format!("{label}\n{lines}")).unwrap();
        }
    }
    assert_eq!(home.client().history(&acme()).await.unwrap().events().len(), 3);
}

#[tokio::test]
async fn a_package_of_another_registry_cannot_be_replayed() {
    let mut other = World::new("other.example.com");
    other.publish(&hello(), "1.0.0");
    other.publish(&hello(), "9.0.0");
    let (server, home) = at_home().await;
    server.world(|world| {
        // Everything is taken over, and logged here.
        world.histories = other.histories.clone();
        for event in &mut world.histories.get_mut(&acme()).unwrap().1 {
            event.index = world.entries.len() as u64;
            world.entries.push(event.entry.as_bytes().to_vec());
        }
        world.indexes = other.indexes.clone();
        world.blobs = other.blobs.clone();
    });
    assert_eq!(home.refused(home.resolve("*")).await.code(), "foreign-origin");
}

#[tokio::test]
async fn an_event_that_was_tampered_with_is_refused() {
    let (server, home) = at_home().await;
    server.lie(
        "/api/v1/skills/acme/hello/1.0.0/provenance",
        forged(|provenance| {
            let entry = &mut provenance.history[1].entry;
            let envelope = Envelope::parse(entry.as_bytes()).unwrap();
            let text = String::from_utf8(envelope.payload_unverified().to_vec()).unwrap();
            let digest = Digest::of(b"malware");
            let event: Event = serde_json::from_str(&text).unwrap();
            let Action::Release(release) = event.action else { panic!() };
            let text = text.replace(&release.archive.to_string(), &digest.to_string());
            // The old signature over the new payload.
            use base64::Engine as _;
            let standard = base64::engine::general_purpose::STANDARD;
            *entry = entry
                .replace(&standard.encode(envelope.payload_unverified()), &standard.encode(text.as_bytes()));
        }),
    );
    assert_eq!(home.refused(home.resolve("*")).await.code(), "bad-signature");
}

#[tokio::test]
async fn a_release_that_is_not_in_the_log_is_refused() {
    let (server, home) = at_home().await;
    server.lie(
        "/api/v1/skills/acme/hello/1.0.0/provenance",
        forged(|provenance| {
            provenance.release = provenance.head.replace("index 2", "index 1");
            provenance.history[1].index = 1;
        }),
    );
    home.refused(home.resolve("*")).await;
}

#[tokio::test]
async fn unknown_fields_and_keys_that_stand_twice_are_refused_in_what_is_signed() {
    let (server, home) = at_home().await;
    let honest = server.world(|world| world.provenance(&hello(), &"1.0.0".parse().unwrap()).unwrap());
    let entry = honest.history[1].entry.clone();
    let envelope = Envelope::parse(entry.as_bytes()).unwrap();
    let payload = String::from_utf8(envelope.payload_unverified().to_vec()).unwrap();
    for changed in [
        payload.replace("{\"origin\"", "{\"novelty\":1,\"origin\""),
        payload.replace("{\"origin\"", "{\"origin\":\"skills.example.com\",\"origin\""),
    ] {
        assert_ne!(changed, payload);
        let kind = envelope.payload_type_unverified().to_owned();
        server.lie(
            "/api/v1/skills/acme/hello/1.0.0/provenance",
            forged(move |provenance| {
                let signed = Envelope::sign(&kind, changed.as_bytes(), &[&key(1)]);
                provenance.history[1].entry = String::from_utf8(signed.to_json()).unwrap();
            }),
        );
        assert_eq!(home.refused(home.resolve("*")).await.code(), "invalid-document");
        server.be_honest();
    }
}

#[tokio::test]
async fn a_long_history_is_read_and_an_endless_one_is_not() {
    let (server, home) = at_home().await;
    server.world(|world| {
        let name = hello().name().clone();
        let mut signed = world.histories.remove(&acme()).unwrap();
        let (history, logged): &mut (History, Vec<LoggedEvent>) = &mut signed;
        for count in 0..1500 {
            let (version, reason) = ("1.0.0".parse().unwrap(), "so it is".parse().unwrap());
            let name = name.clone();
            let action = if count % 2 == 0 {
                Action::Yank { name, version, reason }
            } else {
                Action::Unyank { name, version, reason }
            };
            let event = history.next(jiff::Timestamp::now(), action).sign(&[&key(1)]);
            history.accept(&event).unwrap();
            let entry = String::from_utf8(event.to_json()).unwrap();
            logged.push(LoggedEvent { index: world.entries.len() as u64, entry: entry.clone() });
            world.entries.push(entry.into_bytes());
        }
        world.histories.insert(acme(), signed);
    });
    let resolved = home.resolve("*").await.unwrap();
    assert_eq!(resolved.proven.history.length(), 1502);
    assert_eq!(home.client().history(&acme()).await.unwrap().state().length(), 1502);
    assert_eq!(server.requests("/api/v1/publishers/acme/history").len(), 3, "it comes in parts");

    server.lie("/api/v1/publishers/acme/history", |_, mut answer| {
        answer.bytes = vec![b'\n'; 1 << 20];
        answer.body = crate::server::Body::Endless;
        answer
    });
    let error = home.refused(async { home.client().history(&acme()).await }).await;
    assert_eq!(error.code(), "answer-too-large");
}

/// A history of acme that acme knows nothing of.
fn forged_history(world: &World, last: u64) -> String {
    let mut history = History::new(world.origin.clone(), acme());
    let init = Action::Init { key: key(77).public_key() };
    let grant = Action::Grant { key: key(78).public_key() };
    let mut lines = String::new();
    for (action, signers, index) in [(init, vec![key(77)], 1), (grant, vec![key(77), key(78)], last)] {
        let event = history.next(jiff::Timestamp::now(), action).sign(&signers.iter().collect::<Vec<_>>());
        history.accept(&event).unwrap();
        let entry = String::from_utf8(event.to_json()).unwrap();
        lines += &(serde_json::to_string(&LoggedEvent { index, entry }).unwrap() + "\n");
    }
    lines
}

#[tokio::test]
async fn a_history_that_the_log_does_not_have_is_neither_believed_nor_remembered() {
    let (server, home) = at_home().await;
    for last in [2, 99] {
        let forged = server.world(|world| forged_history(world, last));
        server.lie("/api/v1/publishers/acme/history", move |_, _| {
            Answer::new(200, "application/x-ndjson", forged.as_str())
        });
        let error = home.refused(async { home.client().history(&acme()).await }).await;
        assert_eq!(error.code(), "not-in-log");
        // Whoever stood in the registry's place is gone, and has left nothing behind.
        server.be_honest();
    }
    let history = home.client().history(&acme()).await.unwrap();
    assert!(history.state().is_active(&key(1).public_key()));
    home.resolve("*").await.unwrap();
}

#[tokio::test]
async fn a_history_in_the_cache_that_was_never_the_registrys_is_given_up() {
    let (server, home) = at_home().await;
    home.client().history(&acme()).await.unwrap();
    let forged = server.world(|world| forged_history(world, 2));
    // As an older version of this program would have left it, under a label that fits.
    let cache = home.place.path().join("cache/documents");
    for entry in std::fs::read_dir(&cache).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let (label, body) = text.split_once('\n').unwrap();
        let was = openclaw_package::Digest::of(body.as_bytes()).to_string();
        let is = openclaw_package::Digest::of(forged.as_bytes()).to_string();
        std::fs::write(&path, format!("{}\n{forged}", label.replace(&was, &is))).unwrap();
    }
    let history = home.client().history(&acme()).await.unwrap();
    assert!(history.state().is_active(&key(1).public_key()));
    assert!(home.evidence("history").is_empty(), "nobody is accused of what only the cache said");
}
