//! The transparency log, checked as a client and a monitor check it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openclaw_package::log::{
    Checkpoint, LogProof, TileId, TilePath, decode_entries, decode_hashes, leaf_hash, verify_consistency,
};
use openclaw_package::registry::TrustedRoot;
use openclaw_package::{Digest, Envelope};

use crate::skill::skill;
use crate::world::{World, refusal};

pub async fn every_entry_is_proved_and_nothing_is_forgotten(world: World) {
    let root = Envelope::parse(world.text("/root.json").await.as_bytes()).unwrap();
    let root = TrustedRoot::pin(&[root], &world.fingerprint).unwrap();
    let key = root.root().log_key().clone();
    let acme = world.acme();
    let mut seen = vec![Checkpoint::verify(&world.text("/checkpoint").await, &world.origin, &key).unwrap()];
    for number in 0..6 {
        let appended = acme.publish(&skill(&format!("acme/skill-{number}"), "1.0.0")).await;
        seen.push(Checkpoint::verify(&appended.checkpoint, &world.origin, &key).unwrap());
    }
    let newest = seen.last().unwrap().clone();
    let size = newest.size();
    assert_eq!(size, 8);

    let id = TileId { level: 0, index: 0 };
    let width = u16::try_from(size).unwrap();
    let fetch = async |path: TilePath| world.ok(&format!("/{path}")).await.bytes().await.unwrap();
    let hashes = decode_hashes(&fetch(TilePath::Hashes { id, width }).await).unwrap();
    let entries = decode_entries(&fetch(TilePath::Entries { index: 0, width }).await).unwrap();
    assert_eq!(entries.len() as u64, size);
    for (index, entry) in entries.iter().enumerate() {
        assert_eq!(hashes[index], leaf_hash(entry));
        let proof = LogProof::parse(&world.text(&format!("/api/v1/log/proof/{index}")).await).unwrap();
        assert_eq!(proof.verify(entry, &world.origin, &key).unwrap(), newest);
    }
    let shorter = decode_hashes(&fetch(TilePath::Hashes { id, width: 3 }).await).unwrap();
    assert_eq!(shorter, hashes[..3]);
    for (place, earlier) in seen.iter().enumerate() {
        for later in &seen[place..] {
            let path = format!("/api/v1/log/consistency?from={}&to={}", earlier.size(), later.size());
            let texts: Vec<String> = serde_json::from_value(world.json(&path).await).unwrap();
            let proof: Vec<Digest> = texts
                .iter()
                .map(|text| <[u8; 32]>::try_from(STANDARD.decode(text).unwrap()).unwrap().into())
                .collect();
            verify_consistency(earlier.size(), earlier.root(), later.size(), later.root(), &proof).unwrap();
        }
    }
    for (path, expected) in [
        (format!("/api/v1/log/proof/{size}"), (404, "not-found")),
        ("/api/v1/log/proof/-1".to_owned(), (400, "invalid-path")),
        ("/api/v1/log/proof/01".to_owned(), (400, "invalid-path")),
        (format!("/api/v1/log/consistency?from=1&to={}", size + 1), (404, "not-found")),
        ("/api/v1/log/consistency?from=2&to=1".to_owned(), (400, "bad-parameter")),
        ("/api/v1/log/consistency?from=2".to_owned(), (400, "bad-parameter")),
        ("/tile/0/000".to_owned(), (404, "not-found")),
        (format!("/tile/0/000.p/{}", size + 1), (404, "not-found")),
        ("/tile/1/000.p/1".to_owned(), (404, "not-found")),
        ("/tile/0/000.p/0".to_owned(), (400, "invalid-path")),
        ("/tile/0/000.p/256".to_owned(), (400, "invalid-path")),
        ("/tile/64/000".to_owned(), (400, "invalid-path")),
        ("/tile/entries/x001/000.p/1".to_owned(), (404, "not-found")),
        ("/tile/0/x999/x999/x999/x999/x999/x999/999".to_owned(), (400, "invalid-path")),
    ] {
        let (status, code) = refusal(world.get(&path).send().await.unwrap()).await;
        assert_eq!((status, code.as_str()), expected, "{path}");
    }
    world.verify().await;
}
