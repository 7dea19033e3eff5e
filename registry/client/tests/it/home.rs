//! A user of a registry: state, cache, and what can be asked of both.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use openclaw_package::Digest;
use openclaw_registry_client::{
    Client, ClientOptions, Error, KnownRegistry, LoginRequest, Registries, RegistryUrl, ResolveOptions,
    Resolved,
};

use crate::server::Server;
use crate::world::{TOKEN, World, hello};

/// A user.
pub struct Home {
    pub place: tempfile::TempDir,
    pub registries: Registries,
}

impl Home {
    pub fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let registries = Registries::open(place.path().join("registries")).unwrap();
        Self { place, registries }
    }

    pub fn options(&self) -> ClientOptions {
        let mut options = ClientOptions::new(self.place.path().join("cache"));
        options.retries = 2;
        options.backoff = Duration::from_millis(5);
        options.longest_wait = Duration::from_millis(500);
        options.timeouts.connect = Duration::from_secs(2);
        options.timeouts.idle = Duration::from_secs(5);
        options.timeouts.grace = Duration::from_secs(1);
        options
    }

    pub fn request(&self, server: &Server) -> LoginRequest {
        LoginRequest {
            url: RegistryUrl::new(&server.url).unwrap(),
            token: Some(TOKEN.parse().unwrap()),
            fingerprint: Some(server.world(|world| world.fingerprint(1))),
            replace: false,
        }
    }

    pub async fn login(&self, request: LoginRequest) -> Result<KnownRegistry, Error> {
        let pending = self.registries.login(request, self.options()).await?;
        Ok(pending.accept().await?.registry)
    }

    /// A client with nothing in memory, as each command has one.
    pub fn client(&self) -> Client {
        Client::connect(self.registries.select(None).unwrap(), self.options()).unwrap()
    }

    pub fn registry_dir(&self) -> PathBuf {
        self.registries.select(None).unwrap().dir().to_owned()
    }

    /// All files of the state but locks and evidence.
    pub fn state(&self) -> BTreeMap<PathBuf, Digest> {
        let mut files = files_below(&self.place.path().join("registries"));
        files.retain(|path, _| !path.ends_with(".lock") && !path.iter().any(|part| part == "evidence"));
        files.into_iter().map(|(path, content)| (path, Digest::of(&content))).collect()
    }

    /// The names and contents of the files that were kept as evidence of something.
    pub fn evidence(&self, code: &str) -> BTreeMap<String, String> {
        let all = files_below(&self.registry_dir().join("evidence"));
        let of_code = all.into_iter().filter(|(path, _)| path.to_string_lossy().contains(code));
        of_code
            .map(|(path, content)| {
                (path.file_name().unwrap().to_str().unwrap().to_owned(), String::from_utf8(content).unwrap())
            })
            .collect()
    }

    pub async fn resolve(&self, range: &str) -> Result<Resolved, Error> {
        self.resolve_with(range, &ResolveOptions::default()).await
    }

    pub async fn resolve_with(&self, range: &str, options: &ResolveOptions) -> Result<Resolved, Error> {
        self.client().resolve(&hello(), &range.parse().unwrap(), options).await
    }

    /// What a refusal says, after it was checked that it has changed nothing.
    pub async fn refused<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Error {
        // What an honest answer of the same registry would have changed is no matter here.
        if self.registries.select(None).is_ok() {
            let _ = self.client().refresh().await;
        }
        let before = self.state();
        let Err(error) = work.await else { panic!("it was not refused") };
        assert_eq!(self.state(), before, "{error} has changed what was known");
        assert!(!format!("{error} {error:?}").contains(TOKEN));
        error
    }
}

/// A registry with acme/hello 1.0.0, and a user who has logged in.
pub async fn at_home() -> (Server, Home) {
    at_home_with(World::with_hello()).await
}

pub async fn at_home_with(world: World) -> (Server, Home) {
    let server = Server::start(world).await;
    let home = Home::new();
    home.login(home.request(&server)).await.unwrap();
    (server, home)
}

pub fn files_below(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let Ok(entries) = std::fs::read_dir(dir) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.insert(path.clone(), std::fs::read(path).unwrap());
        }
    }
    found
}

/// The digest of a file.
pub fn digest_of(path: &Path) -> Digest {
    Digest::of(&std::fs::read(path).unwrap())
}
