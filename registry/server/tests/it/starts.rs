//! Starting, and what stands in the way of it.

use reqwest::StatusCode;

use crate::verifying::execute;
use crate::world::{Backend, Place, Server, World, run};

#[test]
fn a_token_is_shown_once() {
    run(Backend::Sqlite, async |mut world: World| {
        assert!(world.token.starts_with("oct_"));
        world.restart();
        assert!(world.server.ready.get("first_token").is_none());
        assert_eq!(world.server.ready["root_fingerprint"], world.fingerprint.to_string());
        let server = std::mem::replace(&mut world.server, Server::nothing());
        assert!(server.stop().success(), "SIGTERM ends it well");
        let again = Server::start(&world.place, &["--bootstrap", "acme"]);
        assert!(again.ready.get("first_token").is_none());
        assert!(again.ready["note"].as_str().unwrap().contains("no token is shown"));
        let whoami =
            world.http.get(format!("{}/api/v1/whoami", again.url)).bearer_auth(&world.token).send().await;
        assert_eq!(whoami.unwrap().status(), StatusCode::OK, "the first token still holds");
    });
}

#[test]
fn a_directory_has_one_server() {
    run(Backend::Sqlite, async |world: World| {
        assert_eq!(world.place.refused(&["serve", "--listen", "127.0.0.1:0"]).await, "in-use");
        let taken = world.server.url.trim_start_matches("http://").to_owned();
        let other = Place::new(Backend::Sqlite).await;
        assert_eq!(other.refused(&["serve", "--listen", &taken]).await, "cannot-listen");
        assert!(!other.data.exists(), "nothing is made, and no token is lost, where the address is taken");
    });
}

#[test]
fn a_newer_schema_is_refused() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        run(backend, async |world: World| {
            execute(
                &world,
                "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (99, 'later', TRUE, '', 0)",
            )
            .await;
            assert_eq!(world.place.refused(&["admin", "verify"]).await, "schema-too-new");
        });
    }
}

#[test]
fn commands_need_a_registry() {
    run(Backend::Sqlite, async |world: World| {
        let empty = Place::new(Backend::Sqlite).await;
        assert_eq!(empty.refused(&["admin", "verify"]).await, "wrong-state");
        assert!(!empty.data.exists());
        assert_eq!(world.place.refused(&["admin", "token", "revoke", "nothing"]).await, "not-found");
        let code = world.place.refused(&["admin", "token", "issue", "absent/*", "--scope", "yank"]).await;
        assert_eq!(code, "not-found");
    });
}

#[test]
fn secrets_are_for_their_owner_only() {
    run(Backend::Sqlite, async |world: World| {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&world.place.data), 0o700);
        for name in ["registry.sqlite", "registry.sqlite-wal"] {
            assert_eq!(mode(&world.place.data.join(name)), 0o600, "{name}");
        }
        assert_eq!(mode(&world.place.data.join("blobs")), 0o700);
        let keys = world.place.data.join("keys");
        assert_eq!(mode(&keys), 0o700);
        let files: Vec<_> = std::fs::read_dir(keys).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 3);
        assert!(files.iter().all(|file| mode(file) == 0o600));
    });
}
