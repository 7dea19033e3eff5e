//! Takedowns: they stay, they are fresh, and they are the registry's own.

use openclaw_registry_client::Error;

use crate::home::{Home, at_home};
use crate::server::Answer;
use crate::world::{hello, in_days};

async fn refresh_refused(home: &Home) -> Error {
    home.refused(async { home.client().refresh().await }).await
}

#[tokio::test]
async fn a_list_that_lost_something_is_refused_and_kept() {
    let (server, home) = at_home().await;
    let empty = server.world(|world| world.takedowns.clone());
    server.world(|world| world.take_down(&"acme/evil".parse().unwrap(), None));
    home.client().refresh().await.unwrap();
    let full = server.world(|world| world.takedowns.clone());

    let mut same_sequence = full.clone();
    same_sequence.takedowns.clear();
    let mut later = full.clone();
    later.sequence += 1;
    later.takedowns.clear();
    for list in [empty, same_sequence, later] {
        server.world(|world| world.takedowns = list);
        assert_eq!(refresh_refused(&home).await.code(), "takedowns-rolled-back");
    }
    assert!(home.evidence("takedowns-rolled-back").contains_key("served.json"));
    // What was seen still counts.
    server.world(|world| world.takedowns = full);
    home.client().refresh().await.unwrap();
}

#[tokio::test]
async fn other_entries_under_the_same_sequence_are_refused() {
    let (server, home) = at_home().await;
    server.world(|world| world.take_down(&"acme/evil".parse().unwrap(), None));
    home.client().refresh().await.unwrap();
    server.world(|world| {
        world.take_down(&"acme/worse".parse().unwrap(), None);
        world.takedowns.sequence = 1;
    });
    assert_eq!(refresh_refused(&home).await.code(), "takedowns-rolled-back");
}

#[tokio::test]
async fn an_expired_list_is_refused() {
    let (server, home) = at_home().await;
    server.world(|world| world.takedowns.expires = in_days(-1));
    let error = refresh_refused(&home).await;
    assert_eq!(error.code(), "takedowns-expired");
    assert!(error.hint().unwrap().contains("clock"));
}

#[tokio::test]
async fn a_foreign_list_is_refused() {
    let (server, home) = at_home().await;
    let mut other = server.world(|world| world.clone());
    other.takedown_key = 77;
    let foreign_key = other.takedowns_json();
    other.takedown_key = 203;
    other.takedowns.origin = "other.example.com".parse().unwrap();
    let foreign_origin = other.takedowns_json();
    for (list, code) in [(foreign_key, "bad-signature"), (foreign_origin, "foreign-origin")] {
        server.lie("/takedowns.json", move |_, _| Answer::json(list.clone()));
        assert_eq!(refresh_refused(&home).await.code(), code);
        server.be_honest();
    }
}

#[tokio::test]
async fn an_older_copy_of_the_same_list_does_not_replace_the_newer() {
    let (server, home) = at_home().await;
    home.client().refresh().await.unwrap();
    let before = home.state();
    server.world(|world| world.takedowns.issued = in_days(-1));
    home.client().refresh().await.unwrap();
    assert_eq!(home.state(), before);
}

#[tokio::test]
async fn what_was_taken_down_is_never_chosen() {
    let (server, home) = at_home().await;
    server.world(|world| {
        world.publish(&hello(), "1.1.0");
        world.take_down(&hello(), Some("1.1.0"));
    });
    let resolved = home.resolve("*").await.unwrap();
    assert_eq!(resolved.version().to_string(), "1.0.0");
    assert!(resolved.passed_over[0].1.contains("malware"));
    let error = home.refused(home.resolve("=1.1.0")).await;
    assert_eq!(error.code(), "taken-down");

    // Not even where a lockfile pins it.
    let archive = crate::world::pack(&hello(), "1.1.0", 1).digest;
    let options = openclaw_registry_client::ResolveOptions {
        locked: Some(("1.1.0".parse().unwrap(), archive)),
        ..Default::default()
    };
    let error = home.refused(home.resolve_with("*", &options)).await;
    assert_eq!(error.code(), "taken-down");

    server.world(|world| world.take_down(&hello(), None));
    assert_eq!(home.resolve("*").await.unwrap_err().code(), "taken-down");
}

#[tokio::test]
async fn a_new_takedown_key_ends_what_the_old_one_signed() {
    let (server, home) = at_home().await;
    // Somebody who got hold of the key could otherwise never be got rid of.
    server.world(|world| {
        world.take_down(&"acme/victim".parse().unwrap(), None);
        world.takedowns.sequence = u64::MAX;
    });
    home.client().refresh().await.unwrap();
    server.world(|world| {
        world.takedown_key = 77;
        world.next_root(|parts| parts.takedown_key = crate::world::key(77).public_key());
        world.takedowns.sequence = 0;
        world.takedowns.takedowns.clear();
    });
    let fresh = home.client().refresh().await.unwrap();
    assert!(fresh.takedowns.takedowns.is_empty());
    let again = home.client().refresh().await.unwrap();
    assert_eq!(again.takedowns.sequence, 0, "the new list is the one that is kept");
}
