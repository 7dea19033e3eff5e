//! The log: it grows, or the registry is not followed, and both notes are kept.

use crate::home::{Home, at_home};
use crate::server::{Answer, Server};
use crate::world::{World, hello};

/// A registry that was seen at its present size, and a second one that has gone another way since the root.
async fn seen() -> (Server, Home, World) {
    let (server, home) = at_home().await;
    server.world(|world| world.publish(&hello(), "1.0.1"));
    home.resolve("=1.0.0").await.unwrap();
    let mut fork = World::new("skills.example.com");
    fork.roots = server.world(|world| world.roots.clone());
    fork.entries = server.world(|world| world.entries[..1].to_vec());
    fork.publish(&hello(), "1.0.0");
    (server, home, fork)
}

#[tokio::test]
async fn a_log_that_shrank_is_a_hard_stop() {
    let (server, home, _) = seen().await;
    let size = server.world(|world| world.entries.len());
    let before = server.world(|world| world.checkpoint(size));
    let note = server.world(|world| world.checkpoint(size - 1));
    let served = note.clone();
    server.lie("/checkpoint", move |_, _| Answer::new(200, "text/plain", served.as_str()));
    let error = home.refused(async { home.client().refresh().await }).await;
    assert_eq!(error.code(), "log-shrank");
    assert!(error.to_string().contains("evidence/") && error.to_string().contains(&server.url));
    assert!(error.hint().unwrap().contains("login --replace --registry http"));
    let kept = home.evidence("log-shrank");
    assert_eq!(kept["seen.note"], before);
    assert_eq!(kept["served.note"], note);
    assert!(kept["about.txt"].contains(&server.url) && kept["about.txt"].contains("time: "));
    // It stays so for every command, and ends when the registry is itself again.
    assert_eq!(home.refused(home.resolve("*")).await.code(), "log-shrank");
    server.be_honest();
    home.resolve("*").await.unwrap();
}

#[tokio::test]
async fn a_log_of_the_same_size_with_other_entries_is_a_hard_stop() {
    let (server, home, mut fork) = seen().await;
    fork.yank(&hello(), "1.0.0");
    let size = server.world(|world| world.entries.len());
    assert_eq!(fork.entries.len(), size);
    let note = fork.checkpoint(size);
    server.lie("/checkpoint", move |_, _| Answer::new(200, "text/plain", note.as_str()));
    let error = home.refused(async { home.client().refresh().await }).await;
    assert_eq!(error.code(), "log-forked");
    assert_eq!(home.evidence("log-forked").len(), 3);
}

#[tokio::test]
async fn a_log_that_grew_another_way_is_a_hard_stop() {
    let (server, home, mut fork) = seen().await;
    for patch in 1..9 {
        fork.publish(&hello(), &format!("2.0.{patch}"));
    }
    server.world(|world| {
        fork.histories = world.histories.clone();
        *world = fork;
    });
    let error = home.refused(async { home.client().refresh().await }).await;
    assert_eq!(error.code(), "log-inconsistent");
    assert_eq!(home.evidence("log-inconsistent").len(), 4, "both notes, the proof, and what it is about");
}

#[tokio::test]
async fn a_release_under_a_forked_checkpoint_is_refused_too() {
    let (server, home, fork) = seen().await;
    let mut fork = fork;
    for patch in 1..9 {
        fork.publish(&hello(), &format!("2.0.{patch}"));
    }
    let honest = server.world(|world| world.checkpoint(world.entries.len()));
    // The history goes on as it was seen, in a log that is another.
    let mut history = server.world(|world| world.histories.clone());
    for event in &mut history.get_mut(&crate::world::acme()).unwrap().1 {
        event.index = fork.entries.len() as u64;
        fork.entries.push(event.entry.as_bytes().to_vec());
    }
    fork.histories = history;
    server.world(|world| {
        fork.indexes = world.indexes.clone();
        *world = fork;
    });
    server.lie("/checkpoint", move |_, _| Answer::new(200, "text/plain", honest.as_str()));
    let error = home.refused(home.resolve("*")).await;
    assert_eq!(error.code(), "log-inconsistent");
}

#[tokio::test]
async fn a_checkpoint_by_another_key_or_of_another_registry_is_refused() {
    let (server, home) = at_home().await;
    let mut other = server.world(|world| world.clone());
    other.log_key = 77;
    let foreign_key = other.checkpoint(3);
    other.log_key = 202;
    other.origin = "other.example.com".parse().unwrap();
    let foreign_origin = other.checkpoint(3);
    for note in [foreign_key, foreign_origin, "rubbish".to_owned(), String::new()] {
        server.lie("/checkpoint", move |_, _| Answer::new(200, "text/plain", note.as_str()));
        let error = home.refused(async { home.client().refresh().await }).await;
        assert!(matches!(error, openclaw_registry_client::Error::Trust(_)), "{error}");
        server.be_honest();
    }
}

#[tokio::test]
async fn a_growing_log_is_followed() {
    let (server, home) = at_home().await;
    for patch in 1..40 {
        server.world(|world| world.publish(&hello(), &format!("1.0.{patch}")));
        if patch % 7 == 0 {
            home.client().refresh().await.unwrap();
        }
    }
    let resolved = home.resolve("*").await.unwrap();
    assert_eq!(resolved.version().to_string(), "1.0.39");
}

#[tokio::test]
async fn evidence_does_not_fill_the_disk() {
    let (server, home) = at_home().await;
    home.client().refresh().await.unwrap();
    let short = server.world(|world| world.checkpoint(1));
    server.lie("/checkpoint", move |_, _| Answer::new(200, "text/plain", short.as_str()));
    let evidence = home.registry_dir().join("evidence");
    for _ in 0..2 {
        assert_eq!(home.client().refresh().await.unwrap_err().code(), "log-shrank");
    }
    let large = std::fs::read_dir(&evidence).unwrap().next().unwrap().unwrap().path().join("served.note");
    std::fs::File::options().write(true).open(large).unwrap().set_len(64 << 20).unwrap();
    for _ in 0..3 {
        assert_eq!(home.client().refresh().await.unwrap_err().code(), "log-shrank");
    }
    assert_eq!(std::fs::read_dir(&evidence).unwrap().count(), 3);
    assert!(evidence.join("latest-log-shrank").is_dir());
}
