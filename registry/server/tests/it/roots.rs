//! Rotating the registry's root.

use openclaw_package::registry::{Provenance, TrustedRoot};
use openclaw_package::{Digest, Envelope};

use crate::skill::skill;
use crate::world::World;

pub async fn a_rotated_root_is_followed_while_the_server_runs(world: World) {
    let acme = world.acme();
    acme.publish(&skill("acme/hello", "1.0.0")).await;
    let rotate = async |words: &[&str]| {
        let words: Vec<&str> = ["root", "rotate"].iter().chain(words).copied().collect();
        world.place.admin(&words).await["fingerprint"].as_str().unwrap().parse::<Digest>().unwrap()
    };
    rotate(&[]).await;
    acme.publish(&skill("acme/hello", "1.1.0")).await;
    rotate(&["--log-key", "--takedown-key"]).await;
    acme.publish(&skill("acme/hello", "1.2.0")).await;
    let newest = rotate(&["--renew"]).await;
    acme.publish(&skill("acme/hello", "1.3.0")).await;
    let mut chain = Vec::new();
    for version in 1..=4 {
        let text = world.text(&format!("/root/{version}.json")).await;
        chain.push(Envelope::parse(text.as_bytes()).unwrap());
    }
    let trusted = TrustedRoot::pin(&chain, &world.fingerprint).unwrap();
    assert_eq!((trusted.root().version(), trusted.fingerprint()), (4, newest));
    assert_eq!(world.text("/root.json").await.as_bytes(), chain[3].to_json());
    for version in ["1.0.0", "1.3.0"] {
        let text = world.text(&format!("/api/v1/skills/acme/hello/{version}/provenance")).await;
        let provenance: Provenance = serde_json::from_str(&text).unwrap();
        let id = "acme/hello".parse().unwrap();
        provenance.verify(&world.fingerprint, &id, &version.parse().unwrap()).unwrap();
    }
    let list = Envelope::parse(world.text("/takedowns.json").await.as_bytes()).unwrap();
    let key = trusted.root().takedown_key();
    openclaw_package::registry::Takedowns::verify(&list, &world.origin, key).unwrap();
    // A threshold that the keys here cannot reach would end the registry.
    let stranger = crate::skill::key(99).public_key().to_string();
    let words = ["admin", "root", "rotate", "--add-key", &stranger, "--threshold", "2"];
    assert_eq!(world.place.refused(&words).await, "usage");
    let refused = async |words: &[&str]| {
        let words = [&["admin", "root", "rotate"], words].concat();
        let refusal = world.place.refusal(&words).await;
        assert_eq!(refusal["code"], "usage");
        refusal["message"].as_str().unwrap().to_owned()
    };
    assert!(
        refused(&["--threshold", "2"]).await.contains("the root has 1 key, and 2 could not sign: add one")
    );
    assert!(refused(&["--threshold", "0"]).await.contains("at least 1"));
    let twice = ["--add-key", &stranger, "--add-key", &stranger];
    assert!(refused(&twice).await.contains(&format!("{stranger} is a root key already")));
    world.place.admin(&["root", "rotate", "--add-key", &stranger]).await;
    let shown = world.place.admin(&["root", "show"]).await;
    assert_eq!(shown["root"]["keys"].as_array().unwrap().len(), 2);
    world.verify().await;
    // The root key is on another machine.
    for file in std::fs::read_dir(world.place.data.join("keys")).unwrap() {
        let path = file.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("root-") {
            std::fs::remove_file(path).unwrap();
        }
    }
    for words in [["admin", "root", "rotate"].as_slice(), &["admin", "root", "rotate", "--renew"]] {
        let refusal = world.place.refusal(words).await;
        assert_eq!(refusal["code"], "no-key");
        assert!(refusal["message"].as_str().unwrap().starts_with("no root-*.key is in "), "{refusal}");
    }
}
