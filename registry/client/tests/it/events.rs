//! Yanks, and keys that come and go.

use openclaw_package::Reason;

use crate::home::at_home;
use crate::server::Answer;
use crate::world::{acme, hello, key, version};

fn reason() -> Reason {
    "it is broken".parse().unwrap()
}

#[tokio::test]
async fn a_version_is_yanked_and_unyanked() {
    let (_server, home) = at_home().await;
    let client = home.client();
    let yanked = client.yank(&hello(), &version("1.0.0"), &reason(), &key(1)).await.unwrap();
    assert_eq!(yanked.log_indices, [3]);
    assert_eq!(home.resolve("*").await.unwrap_err().code(), "yanked");
    let again = client.yank(&hello(), &version("1.0.0"), &reason(), &key(1)).await.unwrap();
    assert!(again.log_indices.is_empty(), "it is so already");
    client.unyank(&hello(), &version("1.0.0"), &reason(), &key(1)).await.unwrap();
    home.resolve("*").await.unwrap();
    let error = client.yank(&hello(), &version("7.0.0"), &reason(), &key(1)).await.unwrap_err();
    assert_eq!(error.code(), "not-released");
}

#[tokio::test]
async fn keys_are_granted_rotated_and_revoked() {
    let (_server, home) = at_home().await;
    let client = home.client();
    let active = async || {
        let history = home.client().history(&acme()).await.unwrap();
        history.state().active_keys().cloned().collect::<Vec<_>>()
    };
    client.grant_key(&acme(), &key(1), &key(2)).await.unwrap();
    assert_eq!(active().await.len(), 2);
    let added = client.rotate_key(&acme(), &key(2), &key(3), &reason()).await.unwrap();
    assert_eq!(added.log_indices.len(), 2);
    client.revoke_key(&acme(), &key(1), &key(1).public_key(), &reason()).await.unwrap();
    assert_eq!(active().await, [key(3).public_key()]);
    // The last key stays, a revoked one does not come back, and a stranger does nothing.
    let last = client.revoke_key(&acme(), &key(3), &key(3).public_key(), &reason()).await.unwrap_err();
    assert_eq!(last.code(), "last-key");
    let back = client.grant_key(&acme(), &key(3), &key(1)).await.unwrap_err();
    assert_eq!(back.code(), "known-key");
    let stranger = client.yank(&hello(), &version("1.0.0"), &reason(), &key(1)).await.unwrap_err();
    assert_eq!(stranger.code(), "inactive-key");
    assert_eq!(active().await, [key(3).public_key()]);
    let nobody = client.grant_key(&"nobody".parse().unwrap(), &key(1), &key(2)).await.unwrap_err();
    assert_eq!(nobody.code(), "no-history");
}

#[tokio::test]
async fn an_event_that_was_not_added_is_found_out() {
    let (server, home) = at_home().await;
    home.client().history(&acme()).await.unwrap();
    home.client().refresh().await.unwrap();
    let (before, world) = (server.world(|world| world.clone()), server.world.clone());
    server.lie("/api/v1/publishers/acme/events", move |_, answer| {
        *world.lock().unwrap() = before.clone();
        answer
    });
    let error = home
        .refused(async { home.client().yank(&hello(), &version("1.0.0"), &reason(), &key(1)).await })
        .await;
    assert_eq!(error.code(), "not-added");
}

#[tokio::test]
async fn an_event_that_is_shown_but_not_in_the_log_is_found_out() {
    let (server, home) = at_home().await;
    let proof = server.world(|world| world.log_proof(2));
    server.lie("/api/v1/log/proof/3", move |_, _| Answer::new(200, "text/plain", proof.as_str()));
    let error = home.client().yank(&hello(), &version("1.0.0"), &reason(), &key(1)).await.unwrap_err();
    assert_eq!(error.code(), "not-added");
}
