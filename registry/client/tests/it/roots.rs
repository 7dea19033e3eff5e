//! Roots: followed from the pinned one, and by nothing else.

use openclaw_package::registry::Root;
use openclaw_registry_client::Error;

use crate::home::{Home, at_home, at_home_with};
use crate::server::Answer;
use crate::world::{World, in_days, key};

async fn refresh_refused(home: &Home) -> Error {
    home.refused(async { home.client().refresh().await }).await
}

#[tokio::test]
async fn new_roots_are_followed_one_by_one_and_remembered() {
    let (server, home) = at_home().await;
    server.world(|world| {
        world.next_root(|parts| parts.keys.push(key(99).public_key()));
        world.root_keys = vec![201, 99];
        world.next_root(|parts| {
            parts.threshold = 2;
            parts.log_key = key(98).public_key();
        });
        world.log_key = 98;
    });
    let fresh = home.client().refresh().await.unwrap();
    assert_eq!(fresh.root.root().version(), 3);
    assert_eq!(home.client().refresh().await.unwrap().root, fresh.root);
    home.resolve("*").await.unwrap();
}

#[tokio::test]
async fn an_older_root_is_refused() {
    let (server, home) = at_home().await;
    server.world(|world| world.next_root(|parts| parts.expires = in_days(99)));
    home.client().refresh().await.unwrap();
    let old = server.world(|world| world.roots[0].clone());
    server.lie("/root.json", move |_, _| Answer::json(old.as_str()));
    assert_eq!(refresh_refused(&home).await.code(), "root-rolled-back");
}

#[tokio::test]
async fn a_root_signed_by_too_few_is_refused() {
    let mut world = World::with_hello();
    world.roots.clear();
    world.entries.clear();
    let mut parts = world.root_parts.clone();
    parts.keys.push(key(99).public_key());
    parts.threshold = 2;
    world.add_root(parts, &[201, 99]);
    world.histories.clear();
    world.publish(&"acme/other".parse().unwrap(), "1.0.0");
    let (server, home) = at_home_with(world).await;
    for signers in [vec![201], vec![99], vec![1, 2], vec![201, 201]] {
        server.world(|world| {
            world.root_keys = signers;
            world.next_root(|parts| parts.expires = in_days(99));
        });
        assert_eq!(refresh_refused(&home).await.code(), "bad-signature");
        server.world(|world| {
            world.roots.pop();
            world.entries.pop();
            world.root_parts.version -= 1;
        });
    }
    home.client().refresh().await.unwrap();
}

#[tokio::test]
async fn a_root_of_another_registry_or_of_nobody_is_refused() {
    let (server, home) = at_home().await;
    let mut parts = server.world(|world| world.root_parts.clone());
    parts.version = 2;
    parts.origin = "other.example.com".parse().unwrap();
    let other = Root::new(parts.clone()).unwrap().sign(&[&key(201)]);
    server.lie("/root.json", move |_, _| Answer::json(other.to_json()));
    assert_eq!(refresh_refused(&home).await.code(), "foreign-origin");

    server.be_honest();
    parts.origin = "skills.example.com".parse().unwrap();
    parts.keys = vec![key(5).public_key()];
    let own = Root::new(parts).unwrap().sign(&[&key(5)]);
    server.lie("/root.json", move |_, _| Answer::json(own.to_json()));
    assert_eq!(refresh_refused(&home).await.code(), "bad-signature");
}

#[tokio::test]
async fn an_expired_root_ends_everything_that_needs_the_registry() {
    let (server, home) = at_home().await;
    home.client().refresh().await.unwrap();
    server.world(|world| world.next_root(|parts| parts.expires = in_days(-1)));
    let error = refresh_refused(&home).await;
    assert_eq!(error.code(), "root-expired");
    assert!(error.hint().is_some());
    assert_eq!(home.refused(home.resolve("*")).await.code(), "root-expired");

    let fresh = Home::new();
    let mut request = fresh.request(&server);
    request.fingerprint = None;
    assert_eq!(fresh.refused(fresh.login(request)).await.code(), "root-expired");
}

#[tokio::test]
async fn a_root_with_unknown_fields_or_a_key_twice_is_refused() {
    let (server, home) = at_home().await;
    let payload = server.world(|world| world.roots[0].clone());
    let payload = openclaw_package::Envelope::parse(payload.as_bytes()).unwrap();
    let text = String::from_utf8(payload.payload_unverified().to_vec()).unwrap();
    for (from, to) in [
        ("{\"version\":1", "{\"novelty\":0,\"version\":2"),
        ("{\"version\":1", "{\"version\":2,\"version\":2"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text);
        let kind = payload.payload_type_unverified();
        let envelope = openclaw_package::Envelope::sign(kind, changed.as_bytes(), &[&key(201)]);
        server.lie("/root.json", move |_, _| Answer::json(envelope.to_json()));
        assert_eq!(refresh_refused(&home).await.code(), "invalid-document");
        server.be_honest();
    }
}

#[tokio::test]
async fn a_chain_of_roots_that_is_too_long_is_refused_before_it_is_kept() {
    let (server, home) = at_home().await;
    let client = home.client();
    let mut refused = None;
    for _ in 0..4 {
        server.world(|world| {
            for _ in 0..90 {
                world.next_root(|parts| parts.expires = in_days(99));
            }
            world.takedowns.issued = jiff::Timestamp::now();
        });
        if let Err(error) = client.refresh().await {
            refused = Some(error);
            break;
        }
        // What is kept is what each load believes, of all registries.
        let kept = std::fs::read(home.registry_dir().join("takedowns.json")).unwrap();
        openclaw_package::registry::KeptTakedowns::verify_file(&kept).unwrap();
    }
    assert_eq!(refused.unwrap().code(), "invalid-root");
}
