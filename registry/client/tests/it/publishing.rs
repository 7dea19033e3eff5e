//! Publishing: what was sent is proved to be there.

use std::path::PathBuf;

use openclaw_package::registry::Visibility;
use openclaw_registry_client::{Error, PublishRequest, Published, Silent};

use crate::home::{Home, at_home, at_home_with};
use crate::server::Answer;
use crate::world::{Pack, World, acme, hello, key, pack};

fn written(home: &Home, pack: &Pack) -> (PathBuf, PathBuf) {
    let (archive, signature) =
        (home.place.path().join("skill.tar.gz"), home.place.path().join("skill.dsse.json"));
    std::fs::write(&archive, &pack.archive).unwrap();
    std::fs::write(&signature, &pack.signature).unwrap();
    (archive, signature)
}

async fn publish(home: &Home, pack: &Pack, by: u8) -> Result<Published, Error> {
    publish_as(home, pack, by, None).await
}

async fn publish_as(
    home: &Home,
    pack: &Pack,
    by: u8,
    visibility: Option<Visibility>,
) -> Result<Published, Error> {
    let (archive, signature) = written(home, pack);
    let request = PublishRequest {
        archive: &archive,
        signature: &signature,
        key: &key(by),
        visibility,
        category: Some("developer-tools"),
    };
    home.client().publish(&request, &Silent).await
}

#[tokio::test]
async fn the_first_release_begins_the_history() {
    let (server, home) = at_home_with(World::new("skills.example.com")).await;
    let published = publish(&home, &pack(&hello(), "1.0.0", 1), 1).await.unwrap();
    assert!(!published.already);
    assert_eq!(published.log_index, 2);
    assert_eq!(home.resolve("*").await.unwrap().archive(), &published.archive);
    assert_eq!(home.client().history(&acme()).await.unwrap().state().length(), 2);
    // Once more changes nothing.
    let again = publish(&home, &pack(&hello(), "1.0.0", 1), 1).await.unwrap();
    assert!(again.already);
    assert_eq!(again.log_index, 2);
    assert_eq!(
        server.requests("/api/v1/skills/acme/hello/1.0.0").iter().filter(|r| r.method == "PUT").count(),
        1
    );
    publish(&home, &pack(&hello(), "1.0.1", 1), 1).await.unwrap();
}

#[tokio::test]
async fn a_private_skill_stays_private_until_it_is_made_public() {
    let (server, home) = at_home().await;
    let draft = "acme/draft".parse().unwrap();
    let publish = |version, visibility| publish_pack(&home, pack(&draft, version, 1), visibility);
    let first = publish("1.0.0", Some(Visibility::Private)).await;
    assert_eq!(first.visibility, Visibility::Private);
    // Nothing that the registry shows decides it, but what was signed.
    server.lie("/api/v1/skills/acme/draft", |request, answer| {
        if request.method == "GET" && request.path.ends_with("draft") {
            return Answer::error(404, "not-found");
        }
        answer
    });
    assert_eq!(publish("1.0.1", None).await.visibility, Visibility::Private);
    assert_eq!(publish("1.1.0", Some(Visibility::Public)).await.visibility, Visibility::Public);
    assert_eq!(publish("1.2.0", None).await.visibility, Visibility::Public);
    let again = publish("1.0.1", Some(Visibility::Public)).await;
    assert_eq!((again.already, again.visibility), (true, Visibility::Private));
    assert_eq!(publish_pack(&home, pack(&hello(), "1.3.0", 1), None).await.visibility, Visibility::Public);
}

async fn publish_pack(home: &Home, pack: Pack, visibility: Option<Visibility>) -> Published {
    publish_as(home, &pack, 1, visibility).await.unwrap()
}

#[tokio::test]
async fn what_is_wrong_with_an_event_of_ours_is_not_the_registrys_fault() {
    let (_server, home) = at_home().await;
    let reason = "lost".parse().unwrap();
    for (revoked, code, hint) in [(1, "last-key", "key rotate acme"), (7, "inactive-key", "ed25519:")] {
        let error = home
            .client()
            .revoke_key(&acme(), &key(1), &key(revoked).public_key(), &reason)
            .await
            .unwrap_err();
        assert_eq!(error.code(), code);
        assert!(error.hint().unwrap().contains(hint), "{error} {:?}", error.hint());
    }
}

#[tokio::test]
async fn the_same_version_with_other_content_is_refused_before_it_is_sent() {
    let (server, home) = at_home().await;
    home.resolve("*").await.unwrap();
    let mut other = World::new("skills.example.com");
    other.publish(&hello(), "1.0.0");
    let mut different = pack(&hello(), "1.0.0", 1);
    let source = pack(&hello(), "1.0.0", 1);
    assert_eq!(different.digest, source.digest);
    // Another archive under the same version: the same files, but for one.
    different = different_content();
    let error = home.refused(publish(&home, &different, 1)).await;
    assert_eq!(error.code(), "version-exists");
    assert!(server.requests("/api/v1/skills/acme/hello/1.0.0").iter().all(|request| request.method == "GET"));
}

fn different_content() -> Pack {
    use openclaw_package::{Digest, PackagePath, PackageSource};
    let text = "---\nname: hello\ndescription: Another.\n---\n# Hello\n";
    let manifest = "[skill]\npublisher = \"acme\"\nname = \"hello\"\nversion = \"1.0.0\"\ncategory = \"developer-tools\"\n";
    let component = wat::parse_str(
        "(component (instance $empty) (export \"openclaw:skill/tools@1.0.0\" (instance $empty)))",
    )
    .unwrap();
    let tools = r#"{"tools":[{"name":"greet","description":"Greets.","inputSchema":{"type":"object"}}]}"#;
    let files = [
        ("SKILL.md", text.as_bytes().to_vec()),
        ("openclaw/skill.toml", manifest.as_bytes().to_vec()),
        ("openclaw/skill.wasm", component),
        ("openclaw/tools.json", tools.as_bytes().to_vec()),
    ]
    .map(|(name, content)| (name.parse::<PackagePath>().unwrap(), content));
    let packed = PackageSource::from_files(files.into()).unwrap().pack().unwrap();
    let envelope = packed.sign(&key(1));
    let statement = Digest::of(envelope.payload_unverified());
    Pack { archive: packed.archive, signature: envelope.to_json(), digest: packed.digest, statement }
}

#[tokio::test]
async fn what_no_client_would_accept_is_not_sent() {
    let (server, home) = at_home().await;
    let mut flipped = pack(&hello(), "1.1.0", 1);
    flipped.archive[1000] ^= 1;
    let mut swapped = pack(&hello(), "1.1.0", 1);
    swapped.signature = pack(&hello(), "1.2.0", 1).signature;
    for (pack, code) in [
        (flipped, "digest-mismatch"),
        (swapped, "digest-mismatch"),
        (pack(&hello(), "1.1.0", 2), "bad-signature"),
    ] {
        assert_eq!(home.refused(publish(&home, &pack, 1)).await.code(), code);
    }
    assert!(server.requests("/").iter().all(|request| request.method == "GET"));
    // A good package by a key that is not the publisher's.
    home.client().history(&acme()).await.unwrap();
    home.client().refresh().await.unwrap();
    assert_eq!(home.refused(publish(&home, &pack(&hello(), "1.1.0", 2), 2)).await.code(), "inactive-key");
    assert!(server.requests("/").iter().all(|request| request.method == "GET"));
}

#[tokio::test]
async fn a_history_that_moved_is_read_again() {
    let (server, home) = at_home().await;
    let world = server.world.clone();
    let mut rival = Some(());
    server.lie("/api/v1/publishers/acme/history", move |_, answer| {
        // Somebody else of the publisher is faster, once.
        if rival.take().is_some() {
            world.lock().unwrap().publish(&"acme/other".parse().unwrap(), "1.0.0");
        }
        answer
    });
    let published = publish(&home, &pack(&hello(), "1.1.0", 1), 1).await.unwrap();
    assert_eq!(published.log_index, 4);
    let puts = server.requests("/api/v1/skills/acme/hello/1.1.0");
    assert_eq!(puts.iter().filter(|request| request.method == "PUT").count(), 2);
    server.be_honest();
    server.lie("/api/v1/skills/acme/hello/1.2.0", |_, _| Answer::error(409, "history-moved"));
    assert_eq!(publish(&home, &pack(&hello(), "1.2.0", 1), 1).await.unwrap_err().code(), "history-moved");
}

#[tokio::test]
async fn a_lost_answer_is_found_out_by_the_next_try() {
    let (server, home) = at_home().await;
    server.lie("/api/v1/skills/acme/hello/1.1.0", |request, answer| {
        if request.method == "PUT" { Answer::error(500, "internal") } else { answer }
    });
    assert!(publish(&home, &pack(&hello(), "1.1.0", 1), 1).await.is_err());
    let puts = |home: &crate::server::Server| {
        home.requests("/api/v1/skills/acme/hello/1.1.0")
            .iter()
            .filter(|request| request.method == "PUT")
            .count()
    };
    assert_eq!(puts(&server), 1, "what changes something is sent once");
    assert!(publish(&home, &pack(&hello(), "1.1.0", 1), 1).await.unwrap().already);
}

#[tokio::test]
async fn a_registry_that_only_says_that_it_published_is_found_out() {
    let (server, home) = at_home().await;
    home.client().history(&acme()).await.unwrap();
    home.client().refresh().await.unwrap();
    let note = server.world(|world| world.checkpoint(world.entries.len()));
    let before = server.world(|world| world.clone());
    let world = server.world.clone();
    server.lie("/api/v1/skills/acme/hello/1.1.0", move |_, _| {
        *world.lock().unwrap() = before.clone();
        let body = serde_json::json!({"log_indices": [3], "checkpoint": note});
        Answer::json(body.to_string())
    });
    let error = home.refused(publish(&home, &pack(&hello(), "1.1.0", 1), 1)).await;
    assert_eq!(error.code(), "not-added");
}

#[tokio::test]
async fn nothing_is_published_by_way_of_a_redirect() {
    let (server, home) = at_home().await;
    let other = crate::server::Server::start(World::with_hello()).await;
    let to = other.url.clone();
    server.lie("/api/v1/skills/", move |request, answer| {
        if request.method == "PUT" { Answer::redirect(&format!("{to}{}", request.path)) } else { answer }
    });
    let error = publish(&home, &pack(&hello(), "1.1.0", 1), 1).await.unwrap_err();
    assert_eq!(error.code(), "redirect-refused");
    assert!(other.requests("/").is_empty());
}
