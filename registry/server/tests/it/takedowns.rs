//! Takedowns.

use openclaw_package::Envelope;
use openclaw_package::registry::{Index, Takedowns, TrustedRoot, Visibility};
use reqwest::StatusCode;

use crate::skill::skill;
use crate::world::{World, refusal};

async fn list(world: &World) -> Takedowns {
    let root = Envelope::parse(world.text("/root.json").await.as_bytes()).unwrap();
    let root = TrustedRoot::pin(&[root], &world.fingerprint).unwrap();
    let list = Envelope::parse(world.text("/takedowns.json").await.as_bytes()).unwrap();
    Takedowns::verify(&list, &world.origin, root.root().takedown_key()).unwrap()
}

pub async fn what_is_taken_down_is_gone_at_once(world: World) {
    let acme = world.acme();
    for version in ["1.0.0", "1.1.0"] {
        acme.publish(&skill("acme/evil", version)).await;
    }
    let before = list(&world).await;
    assert_eq!((before.sequence, before.takedowns.len()), (0, 0));
    let done =
        world.place.admin(&["takedown", "acme/evil", "--version", "1.1.0", "--reason", "malware"]).await;
    assert_eq!(done["releases"], serde_json::json!(["acme/evil 1.1.0"]));
    let after = list(&world).await;
    assert!(after.extends(&before));
    assert_eq!(after.takedowns[0].reason.as_str(), "malware");
    let index = Index::parse(&world.text("/index/acme/evil").await).unwrap();
    let gone = index.get(&"1.1.0".parse().unwrap()).unwrap();
    assert_eq!(gone.taken_down.as_deref(), Some("malware"));
    let blob = world.get(&format!("/blobs/sha256/{}", gone.archive.hex())).send().await.unwrap();
    assert_eq!(refusal(blob).await, (410, "taken-down".into()));
    let page = world.json("/api/v1/skills/acme/evil").await;
    assert_eq!(page["release"]["version"], "1.0.0");
    assert_eq!(page["versions"][0]["taken_down"], "malware");
    let gone = world.json("/api/v1/skills/acme/evil/1.1.0").await;
    assert_eq!((&gone["taken_down"], &gone["readme_html"]), (&"malware".into(), &"".into()));
    assert_eq!((&gone["description"], &gone["tools"]), (&"".into(), &serde_json::json!([])));
    assert_eq!(world.json("/api/v1/search?q=evil").await["results"][0]["version"], "1.0.0");

    world.place.admin(&["takedown", "acme/evil", "--reason", "all of it"]).await;
    assert_eq!(world.json("/api/v1/search?q=evil").await["results"].as_array().unwrap().len(), 0);
    let upload = acme.prepare(&skill("acme/evil", "2.0.0"), Visibility::Public).await;
    assert_eq!(refusal(acme.send(&upload).await).await, (410, "taken-down".into()));
    let code = world.place.refused(&["admin", "takedown", "acme/absent", "--reason", "typo"]).await;
    assert_eq!(code, "not-found");
    world.verify().await;
}

pub async fn bytes_that_were_taken_down_stay_so_under_any_name(world: World) {
    let acme = world.acme();
    let evil = skill("acme/evil", "1.0.0");
    let upload = acme.prepare(&evil, Visibility::Public).await;
    let words = ["takedown", "acme/evil", "--archive", &upload.digest.to_string(), "--reason", "known"];
    world.place.admin(&words).await;
    assert_eq!(refusal(acme.send(&upload).await).await, (410, "taken-down".into()));
    acme.publish(&skill("acme/evil", "1.0.1")).await;
    assert_eq!(world.get("/api/v1/skills/acme/evil").send().await.unwrap().status(), StatusCode::OK);
    world.verify().await;
}
