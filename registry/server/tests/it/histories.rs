//! Events that come without an archive.

use openclaw_package::Envelope;
use openclaw_package::registry::event::EVENT_PAYLOAD_TYPE;
use openclaw_package::registry::{Action, Visibility};
use reqwest::StatusCode;

use crate::skill::{key, now, reason, skill, text};
use crate::world::{Backend, World, refusal, run};

pub async fn a_yanked_version_is_not_chosen_any_more(world: World) {
    let acme = world.acme();
    for version in ["1.0.0", "1.1.0", "2.0.0-rc.1"] {
        acme.publish(&skill("acme/hello", version)).await;
    }
    let page = async || world.json("/api/v1/skills/acme/hello").await;
    assert_eq!(page().await["release"]["version"], "1.1.0", "a release before a pre-release");
    let hello = skill("acme/hello", "1.1.0");
    let yank = || Action::Yank {
        name: hello.id.name().clone(),
        version: "1.1.0".parse().unwrap(),
        reason: reason("broken"),
    };
    let unyank = || Action::Unyank {
        name: hello.id.name().clone(),
        version: "1.1.0".parse().unwrap(),
        reason: reason("mended"),
    };
    assert_eq!(refusal(acme.events(vec![unyank()], &[&acme.key]).await).await, (409, "yank-state".into()));
    assert_eq!(acme.events(vec![yank()], &[&acme.key]).await.status(), StatusCode::CREATED);
    assert_eq!(refusal(acme.events(vec![yank()], &[&acme.key]).await).await, (409, "yank-state".into()));
    assert_eq!(page().await["release"]["version"], "1.0.0");
    assert_eq!(page().await["versions"][1]["yanked"], "broken");
    assert_eq!(world.json("/api/v1/search?q=hello").await["results"][0]["version"], "1.0.0");
    let index = world.text("/index/acme/hello").await;
    assert!(index.ends_with("{\"type\":\"yank\",\"version\":\"1.1.0\",\"reason\":\"broken\"}\n"), "{index}");
    assert_eq!(acme.events(vec![unyank()], &[&acme.key]).await.status(), StatusCode::CREATED);
    assert_eq!(page().await["release"]["version"], "1.1.0");
    let absent = Action::Yank {
        name: "absent".parse().unwrap(),
        version: "1.0.0".parse().unwrap(),
        reason: reason("x"),
    };
    assert_eq!(refusal(acme.events(vec![absent], &[&acme.key]).await).await, (404, "not-found".into()));
    world.verify().await;
}

pub async fn keys_come_and_go(world: World) {
    let acme = world.acme();
    acme.publish(&skill("acme/hello", "1.0.0")).await;
    let second = key(7);
    let grant = Action::Grant { key: second.public_key() };
    // Who adds a key must have it.
    let refused = acme.events(vec![grant.clone()], &[&acme.key]).await;
    assert_eq!(refusal(refused).await, (422, "bad-signature".into()));
    let revoke = |seed: u8| Action::Revoke { key: key(seed).public_key(), reason: reason("lost") };
    assert_eq!(refusal(acme.events(vec![revoke(1)], &[&acme.key]).await).await, (422, "last-key".into()));
    let done = acme.events(vec![grant.clone(), revoke(1)], &[&acme.key, &second]).await;
    assert_eq!(done.status(), StatusCode::CREATED);
    let page = world.json("/api/v1/publishers/acme").await;
    assert_eq!(page["active_keys"], serde_json::json!([second.public_key()]));
    assert_eq!(page["revoked_keys"], serde_json::json!([key(1).public_key()]));
    assert_eq!(page["history_length"], 4);

    let upload = acme.prepare(&skill("acme/hello", "1.1.0"), Visibility::Public).await;
    assert_eq!(refusal(acme.send(&upload).await).await, (422, "bad-signature".into()), "revoked");
    let mut renewed = world.acme();
    renewed.key = key(7);
    renewed.publish(&skill("acme/hello", "1.1.0")).await;

    // Two who continue the same history: one of them has to begin again.
    let history = renewed.history().await;
    let next = |seed: u8| {
        let action = Action::Grant { key: key(seed).public_key() };
        text(&history.next(now(), action).sign(&[&second, &key(seed)]))
    };
    assert_eq!(renewed.post(&[next(20)]).await.status(), StatusCode::CREATED);
    assert_eq!(refusal(renewed.post(&[next(21)]).await).await, (409, "history-moved".into()));
    // Some of several do not count without the others.
    let length = renewed.history().await.length();
    let both = vec![Action::Grant { key: key(30).public_key() }, grant];
    assert_eq!(refusal(renewed.events(both, &[&second, &key(30)]).await).await.0, 422);
    assert_eq!(renewed.history().await.length(), length);
    let after = world.text("/api/v1/publishers/acme/history?after=2").await;
    assert_eq!(after.lines().count() as u64, length - 2);
    world.verify().await;
}

/// An event as large as one may be: the payload is the same JSON with room around it.
fn padded(event: &openclaw_package::registry::Event, signer: &openclaw_package::SigningKey) -> String {
    let plain = Envelope::parse(text(&event.sign(&[signer])).as_bytes()).unwrap();
    let mut payload = plain.payload_unverified().to_vec();
    payload.resize(11_000, b' ');
    text(&Envelope::sign(EVENT_PAYLOAD_TYPE, &payload, &[signer]))
}

#[test]
fn a_history_stays_as_short_as_clients_read_it() {
    run(Backend::Sqlite, async |world: World| {
        let acme = world.acme();
        acme.publish(&skill("acme/hello", "1.0.0")).await;
        let mut history = acme.history().await;
        let (mut refused, mut yanked) = (None, false);
        'filling: for _ in 0..200 {
            let mut events = Vec::new();
            let before = history.clone();
            for _ in 0..16 {
                let (name, version) = ("hello".parse().unwrap(), "1.0.0".parse().unwrap());
                let action = match yanked {
                    false => Action::Yank { name, version, reason: reason("on") },
                    true => Action::Unyank { name, version, reason: reason("off") },
                };
                yanked = !yanked;
                let event = padded(&history.next(now(), action), &acme.key);
                history.accept(&Envelope::parse(event.as_bytes()).unwrap()).unwrap();
                events.push(event);
            }
            let response = acme.post(&events).await;
            if response.status() != StatusCode::CREATED {
                refused = Some(refusal(response).await);
                history = before;
                break 'filling;
            }
        }
        assert_eq!(refused, Some((409, "history-full".into())));
        let provenance = world.text("/api/v1/skills/acme/hello/1.0.0/provenance").await;
        assert!(provenance.len() < openclaw_package::registry::provenance::MAX_PROVENANCE_SIZE);
        let answer = world.text("/api/v1/publishers/acme/history").await;
        assert!(answer.len() < 5 << 20 && answer.lines().count() >= 256, "{}", answer.len());
        // What withdraws something has room left.
        let action = Action::Yank {
            name: "hello".parse().unwrap(),
            version: "1.0.0".parse().unwrap(),
            reason: reason("broken"),
        };
        let event = text(&history.next(now(), action).sign(&[&acme.key]));
        assert_eq!(acme.post(&[event]).await.status(), StatusCode::CREATED);
        world.verify().await;
    });
}
