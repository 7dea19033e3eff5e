//! What cannot be published because something was there first.

use openclaw_package::registry::Visibility;
use reqwest::StatusCode;

use crate::skill::skill;
use crate::world::{World, refusal};

pub async fn a_version_is_published_once(world: World) {
    let acme = world.acme();
    let hello = skill("acme/hello", "1.0.0");
    let first = acme.prepare(&hello, Visibility::Public).await;
    let stale = acme.prepare(&skill("acme/world", "1.0.0"), Visibility::Public).await;
    assert_eq!(acme.send(&first).await.status(), StatusCode::CREATED);
    assert_eq!(refusal(acme.send(&first).await).await, (409, "version-exists".into()));
    let mut other = hello.clone();
    other.description = "Something else.".to_owned();
    let again = acme.prepare(&other, Visibility::Public).await;
    assert_eq!(refusal(acme.send(&again).await).await, (409, "version-exists".into()));
    assert_eq!(refusal(acme.send(&stale).await).await, (409, "history-moved".into()));
    let built = refusal(acme.send_to("acme/hello/1.0.0+build", &first).await).await;
    assert_eq!(built, (400, "build-metadata".into()));
    assert_eq!(world.text("/index/acme/hello").await.lines().count(), 1);
    world.verify().await;
}

pub async fn of_a_hundred_publications_one_wins(world: World) {
    let acme = world.acme();
    acme.publish(&skill("acme/first", "1.0.0")).await;
    let mut uploads = Vec::new();
    for number in 0..100 {
        let mut hello = skill("acme/hello", "1.0.0");
        hello.description = format!("Greets people by name, in way {number}.");
        uploads.push(acme.prepare(&hello, Visibility::Public).await);
    }
    let sent = uploads.iter().map(|upload| acme.send(upload));
    let mut won = 0;
    for response in futures::future::join_all(sent).await {
        match response.status() {
            StatusCode::CREATED => won += 1,
            _ => assert_eq!(refusal(response).await, (409, "version-exists".into())),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(world.text("/index/acme/hello").await.lines().count(), 1);
    assert_eq!(world.json("/health").await["log_size"], 4);
    world.verify().await;
}

pub async fn names_that_look_alike_are_refused(world: World) {
    let acme = world.acme();
    acme.publish(&skill("acme/git-helper", "1.0.0")).await;
    for name in ["acme/githelper", "acme/g-i-t-helper"] {
        let upload = acme.prepare(&skill(name, "1.0.0"), Visibility::Public).await;
        assert_eq!(refusal(acme.send(&upload).await).await, (409, "name-collision".into()), "{name}");
    }
    let code = world.place.refused(&["admin", "publisher", "create", "ac-me"]).await;
    assert_eq!(code, "name-collision");
    world.verify().await;
}
