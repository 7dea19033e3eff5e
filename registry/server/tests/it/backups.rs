//! Backups, also from one database to another.

use crate::skill::skill;
use crate::world::{Backend, Place, Server, World, run};

pub async fn a_backup_is_the_whole_registry(mut world: World) {
    let acme = world.acme();
    acme.publish(&skill("acme/hello", "1.0.0")).await;
    acme.publish(&skill("acme/other", "1.0.0")).await;
    world.place.admin(&["takedown", "acme/other", "--reason", "malware"]).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("backup.tar");
    let path = file.display().to_string();
    let told = world.place.admin(&["backup", &path]).await;
    assert_eq!((told["blobs"].as_u64(), told["keys"].as_u64()), (Some(4), Some(3)));
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(world.place.refused(&["admin", "backup", &path]).await, "usage", "nothing is written over");
    assert_eq!(world.place.refused(&["admin", "restore", &path]).await, "in-use");

    let bytes = std::fs::read(&file).unwrap();
    let damaged = directory.path().join("damaged.tar");
    for (what, content) in [
        ("cut", bytes[..bytes.len() / 2].to_vec()),
        ("changed", {
            let place = bytes.windows(7).position(|window| window == b"malware").unwrap();
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            changed
        }),
    ] {
        std::fs::write(&damaged, content).unwrap();
        let empty = Place::new(Backend::Sqlite).await;
        let code = empty.refused(&["admin", "restore", &damaged.display().to_string()]).await;
        assert!(["bad-backup", "file"].contains(&code.as_str()), "{what}: {code}");
        empty.admin(&["restore", &path]).await;
    }

    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let restored = place.admin(&["restore", &path]).await;
        assert_eq!(restored["rows"], told["rows"]);
        let refusal = place.refusal(&["admin", "restore", &path]).await;
        assert_eq!(refusal["code"], "wrong-state");
        assert!(refusal["hint"].as_str().unwrap().contains("name an empty directory with --data"));
        let report = place.admin(&["verify"]).await;
        assert_eq!(report["problems"].as_array().unwrap().len(), 0, "{report}");
        let again = directory.path().join(format!("{backend:?}.tar"));
        place.admin(&["backup", &again.display().to_string()]).await;
        let server = Server::start(&place, &[]);
        assert_eq!(server.ready["root_fingerprint"], world.fingerprint.to_string());
        let base = server.url.clone();
        let get = async |path: &str| {
            world.http.get(format!("{base}{path}")).send().await.unwrap().text().await.unwrap()
        };
        for path in
            ["/checkpoint", "/index/acme/hello", "/api/v1/skills/acme/hello", "/api/v1/search?q=hello"]
        {
            assert_eq!(get(path).await, world.text(path).await, "{path}");
        }
        // It goes on from there.
        let moved = std::mem::replace(&mut world.server, server);
        world.acme().publish(&skill("acme/hello", "2.0.0")).await;
        world.server = moved;
    }
}

#[test]
fn a_restore_that_was_killed_is_no_registry() {
    run(Backend::Sqlite, async |world: World| {
        let acme = world.acme();
        for number in 0..12 {
            acme.publish(&skill(&format!("acme/skill-{number}"), "1.0.0")).await;
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("backup.tar").display().to_string();
        world.place.admin(&["backup", &path]).await;
        let mut killed = 0;
        for _ in 0..20 {
            let place = Place::new(Backend::Sqlite).await;
            let mark = place.data.join("restoring");
            let mut restore = place.command(&["admin", "restore", &path]).spawn().unwrap();
            while !mark.exists() && restore.try_wait().unwrap().is_none() {
                std::thread::sleep(std::time::Duration::from_micros(200));
            }
            std::thread::sleep(std::time::Duration::from_millis(killed * 3));
            restore.kill().unwrap();
            restore.wait().unwrap();
            if !mark.exists() {
                continue;
            }
            killed += 1;
            for words in [["serve", "--listen", "127.0.0.1:0"].as_slice(), &["admin", "verify"]] {
                let refusal = place.refusal(words).await;
                assert!(
                    refusal["message"].as_str().unwrap().contains("did not come to its end"),
                    "{refusal}"
                );
            }
            place.admin(&["restore", &path]).await;
            assert!(!mark.exists());
            let report = place.admin(&["verify"]).await;
            assert_eq!(report["problems"].as_array().unwrap().len(), 0, "{report}");
            if killed == 3 {
                return;
            }
        }
        assert!(killed > 0, "no restore was killed before its end");
    });
}

#[test]
fn what_is_no_backup_is_not_repeated() {
    run(Backend::Sqlite, async |world: World| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file").display().to_string();
        for content in [String::new(), "x".to_owned(), "TOPSECRET=hunter2\n".repeat(100), "\0".repeat(4096)] {
            std::fs::write(&path, &content).unwrap();
            let place = Place::new(Backend::Sqlite).await;
            let output = place.output(&["admin", "restore", &path]).await;
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success() && error.contains("file is not a backup"), "{error}");
            assert!(!error.contains("TOPSECRET") && !place.data.exists(), "{error}");
        }
        let folder = directory.path().display().to_string();
        assert_eq!(world.place.refused(&["admin", "restore", &folder]).await, "bad-backup");
        assert_eq!(world.place.refused(&["admin", "restore", "/nowhere/file"]).await, "file");
    });
}
