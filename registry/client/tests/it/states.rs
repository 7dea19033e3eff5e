//! The files on disk: damaged, newer, open to others, changed by another process.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use openclaw_registry_client::{Registries, RegistryUrl, StateError};

use crate::home::{Home, at_home};
use crate::server::Server;
use crate::world::World;

#[tokio::test]
async fn a_damaged_file_is_named() {
    let (_server, home) = at_home().await;
    home.resolve("*").await.unwrap();
    let dir = home.registry_dir();
    for name in ["registry.toml", "roots.json", "checkpoint", "takedowns.json", "publishers.json"] {
        let path = dir.join(name);
        let whole = fs::read(&path).unwrap();
        let mut broken: Vec<Vec<u8>> =
            vec![whole[..whole.len() / 2].to_vec(), b"rubbish".to_vec(), vec![0xff; 9]];
        if name != "publishers.json" {
            broken.push(Vec::new());
        }
        for content in broken {
            fs::write(&path, content).unwrap();
            let error = match home.registries.select(None) {
                Err(error) => error.to_string(),
                Ok(_) => home.client().refresh().await.unwrap_err().to_string(),
            };
            assert!(error.contains(name) && error.contains("damaged"), "{name}: {error}");
        }
        fs::write(&path, whole).unwrap();
    }
    home.client().refresh().await.unwrap();
}

#[tokio::test]
async fn files_of_a_newer_version_are_refused() {
    let (_server, home) = at_home().await;
    home.resolve("*").await.unwrap();
    let dir = home.registry_dir();
    for (name, from, to) in [
        ("registry.toml", "schema = 1", "schema = 2\nnovelty = true"),
        ("roots.json", "\"schema\": 1", "\"novelty\": true, \"schema\": 2"),
        ("publishers.json", "\"schema\": 1", "\"novelty\": true, \"schema\": 2"),
    ] {
        let path = dir.join(name);
        let whole = fs::read_to_string(&path).unwrap();
        assert!(whole.contains(from), "{whole}");
        fs::write(&path, whole.replace(from, to)).unwrap();
        let code = match home.registries.select(None) {
            Err(error) => error.code(),
            Ok(_) => home.client().refresh().await.unwrap_err().code(),
        };
        assert_eq!(code, "registry-state-newer", "{name}");
        fs::write(&path, whole).unwrap();
    }
}

#[tokio::test]
async fn what_others_can_read_or_write_is_refused() {
    let (_server, home) = at_home().await;
    let token = home.registry_dir().join("token");
    fs::set_permissions(&token, fs::Permissions::from_mode(0o644)).unwrap();
    let error = home.registries.select(None).unwrap().token().unwrap_err();
    assert!(error.to_string().contains("token"), "{error}");
    let dir = home.registries.dir();
    fs::set_permissions(dir, fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(Registries::open(dir).unwrap_err().code(), "not-private");
}

#[tokio::test]
async fn the_first_registry_is_the_default_until_another_is() {
    let (one, home) = at_home().await;
    let two = Server::start(World::new("other.example.com")).await;
    home.login(home.request(&two)).await.unwrap();
    assert_eq!(home.registries.list().unwrap().len(), 2);
    assert_eq!(home.registries.select(None).unwrap().url().as_str(), one.url);
    home.registries.set_default(&RegistryUrl::new(&two.url).unwrap()).unwrap();
    assert_eq!(home.registries.select(None).unwrap().url().as_str(), two.url);
    assert_eq!(home.registries.default_url().unwrap().unwrap().as_str(), two.url);
    fs::remove_file(home.registries.dir().join("default")).unwrap();
    let error = home.registries.select(None).unwrap_err();
    assert!(matches!(&error, StateError::NoDefault(urls) if urls.len() == 2), "{error}");
}

#[test]
fn without_a_login_the_hint_is_to_log_in() {
    let error = Home::new().registries.select(None).unwrap_err();
    assert_eq!(error.code(), "no-registry");
    assert!(error.hint().unwrap().starts_with("openclaw registry login"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_never_forget_what_one_of_them_saw() {
    let (server, home) = at_home().await;
    for round in 1..=10 {
        server.world(|world| world.publish(&crate::world::hello(), &format!("1.0.{round}")));
        let clients: Vec<_> = (0..6).map(|_| home.client()).collect();
        let all = clients.iter().map(openclaw_registry_client::Client::refresh);
        for result in futures::future::join_all(all).await {
            result.unwrap();
        }
        let size = server.world(|world| world.entries.len());
        let note = fs::read_to_string(home.registry_dir().join("checkpoint")).unwrap();
        assert_eq!(note.lines().nth(1).unwrap(), size.to_string());
    }
}

#[tokio::test]
async fn another_registry_cannot_take_the_name_of_a_known_one() {
    let (one, home) = at_home().await;
    let two = Server::start(World::with_hello()).await;
    let error = home.refused(home.login(home.request(&two))).await;
    assert_eq!(error.code(), "origin-taken");
    // A mirror of the same registry can.
    let mirror = Server::start(one.world(|world| world.clone())).await;
    home.login(home.request(&mirror)).await.unwrap();
    let origin = "skills.example.com".parse().unwrap();
    assert_eq!(home.registries.of_origin(&origin).unwrap().unwrap().url().as_str(), one.url);
    home.registries.set_default(&RegistryUrl::new(&mirror.url).unwrap()).unwrap();
    assert_eq!(home.registries.of_origin(&origin).unwrap().unwrap().url().as_str(), mirror.url);
}

#[tokio::test]
async fn a_half_written_token_does_not_outlive_a_logout() {
    let (server, home) = at_home().await;
    let left = home.registry_dir().join(".new-Ab12Cd");
    fs::write(&left, crate::world::TOKEN).unwrap();
    home.registries.forget_token(&RegistryUrl::new(&server.url).unwrap()).unwrap();
    assert!(!left.exists());
    let all = crate::home::files_below(home.registries.dir());
    assert!(all.values().all(|content| !String::from_utf8_lossy(content).contains(crate::world::TOKEN)));
}

#[tokio::test]
async fn a_login_in_place_of_a_damaged_one_mends_it() {
    let (server, home) = at_home().await;
    home.resolve("*").await.unwrap();
    server.world(|world| world.take_down(&"acme/evil".parse().unwrap(), None));
    home.client().refresh().await.unwrap();
    let dir = home.registry_dir();
    for name in ["roots.json", "checkpoint", "publishers.json", "registry.toml", "takedowns.json"] {
        fs::write(dir.join(name), "rubbish").unwrap();
        let code = match home.registries.select(None) {
            Err(error) => error.code(),
            Ok(_) => home.client().refresh().await.unwrap_err().code(),
        };
        assert_eq!(code, "registry-state-damaged", "{name}");
        let mut request = home.request(&server);
        request.replace = true;
        let known = home.login(request).await.unwrap();
        // What was taken down stays so, whether the registry says it again or not.
        let list = known.takedowns().unwrap();
        assert_eq!(
            list.map_or(0, |list| list.takedowns.len()),
            usize::from(name != "takedowns.json"),
            "{name}"
        );
        home.client().refresh().await.unwrap();
        home.resolve("*").await.unwrap();
    }
}
