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
        std::fs::write(&empty.data, "a file").unwrap();
        for words in [["admin", "verify"].as_slice(), &["serve", "--listen", "127.0.0.1:0"]] {
            let output = empty.output(words).await;
            assert!(!output.status.success());
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(error.contains("is a file") && error.contains("wrong-state"), "{error}");
        }
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
        for name in ["blobs", "staging"] {
            assert_eq!(mode(&world.place.data.join(name)), 0o700, "{name}");
        }
        let other = Place::new(Backend::Sqlite).await;
        let file = other.data.with_file_name("other.sqlite");
        let url = format!("sqlite://{}", file.display());
        assert!(Server::start(&other, &["--database", &url]).stop().success());
        assert_eq!(mode(&file), 0o600);
        let keys = world.place.data.join("keys");
        assert_eq!(mode(&keys), 0o700);
        let files: Vec<_> = std::fs::read_dir(keys).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 3);
        assert!(files.iter().all(|file| mode(file) == 0o600));
    });
}

/// What went wrong, and how soon that was told.
async fn refused_soon(place: &Place, words: &[&str]) -> String {
    let began = std::time::Instant::now();
    let code = place.refused(words).await;
    assert!(began.elapsed() < std::time::Duration::from_secs(8), "{words:?} took {:?}", began.elapsed());
    code
}

#[test]
fn a_database_that_cannot_be_had_is_told_at_once() {
    run(Backend::Sqlite, async |world: World| {
        let place = Place::new(Backend::Sqlite).await;
        let nobody = "postgres://user@127.0.0.1:1/registry";
        let serve = ["serve", "--listen", "127.0.0.1:0"];
        let elsewhere = [serve.as_slice(), &["--database", nobody]].concat();
        assert_eq!(refused_soon(&place, &elsewhere).await, "database");
        std::fs::create_dir_all(&place.data).unwrap();
        std::fs::write(place.data.join("registry.sqlite"), "no database, but a text. ".repeat(200)).unwrap();
        assert_eq!(refused_soon(&place, &serve).await, "database-damaged");
        assert_eq!(refused_soon(&place, &["admin", "verify"]).await, "database-damaged");

        // Damage in the middle, after the server has gone.
        let Place { data, .. } = &world.place;
        assert!(world.server.stop().success());
        let file = data.join("registry.sqlite");
        let mut bytes = std::fs::read(&file).unwrap();
        let rest = bytes.len() - 100;
        bytes[100..].copy_from_slice(&vec![0x5a; rest]);
        std::fs::write(&file, bytes).unwrap();
        assert_eq!(refused_soon(&world.place, &serve).await, "database-damaged");
    });
}

#[test]
fn a_start_can_be_ended() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        // A server that takes connections and never says a word.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("postgres://user@{}/registry", silent.local_addr().unwrap());
        let place = Place::new(Backend::Sqlite).await;
        let words = ["serve", "--listen", "127.0.0.1:0", "--database", &url];
        let mut server = place.command(&words).spawn().unwrap();
        let connection = silent.accept().unwrap();
        let began = std::time::Instant::now();
        let id = server.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(server.wait().unwrap().success());
        assert!(began.elapsed() < std::time::Duration::from_secs(5));
        drop(connection);
    });
}
