//! The servers that are talked to: for clients the real commands, on standard input and output and over HTTP; and for what is
//! looked at from within, the endpoint of HTTP in a server as small as one can be.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::middleware::map_request;
use openclaw_gateway::mcp::{HttpOptions, http_service};
use openclaw_gateway::{Caller, Scope, Service};
use openclaw_runtime::consent::{Consents, SecurityLevel};
use openclaw_runtime::workspace::Workspace;
use openclaw_runtime::{Runtime, Watcher};
use openclaw_tests::clients::{Program, Revision, drive, stdio};
use openclaw_tests::{Gateway, Home, embedded};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// How a client reaches the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Stdio,
    Http,
}

/// Which client reaches which server how.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub program: Program,
    pub revision: Revision,
    pub transport: Transport,
}

impl Setting {
    /// Who calls, as records name it.
    pub fn caller(&self) -> &'static str {
        match self.transport {
            Transport::Stdio => "mcp",
            Transport::Http => "ada",
        }
    }

    /// Has the client talk to a server of this home, over HTTP with a token of the name `token`, else as ada, who may grant.
    pub fn drive(&self, home: &Home, mut script: Value) -> Value {
        if self.transport == Transport::Stdio {
            script["server"] = stdio(home, &[]);
            return drive(home, self.program, self.revision, script);
        }
        let mut gateway = Gateway::start(home);
        let caller = script.get("token").and_then(Value::as_str).unwrap_or(self.caller()).to_owned();
        let caller = caller.as_str();
        let workspace = home.workspace().display().to_string();
        let mut token = vec![caller, "--tool", "*", "--workspace", &workspace];
        token.extend((caller == self.caller()).then_some("--may-grant"));
        let url = format!("http://{}/mcp", gateway.address());
        script["server"] = json!({ "url": url, "token": gateway.new_token(&token) });
        let told = drive(home, self.program, self.revision, script);
        gateway.signal(Signal::TERM);
        assert!(gateway.ended().success(), "{}", gateway.log());
        home.run(["gateway", "token", "revoke", caller]).success();
        told
    }
}

/// `/mcp` over HTTP, until it is dropped.
pub struct Endpoint {
    address: SocketAddr,
    runtime: Runtime,
    _watcher: Watcher,
    shutdown: CancellationToken,
    threads: Option<tokio::runtime::Runtime>,
}

impl Endpoint {
    /// Serves a home. A bearer token is the name of the caller; only ada may grant.
    pub fn start(home: &Home, options: HttpOptions) -> Self {
        let config = std::fs::read_to_string(home.data().join("config.yaml")).unwrap_or_default();
        let level = if config.contains("moderate") { SecurityLevel::Moderate } else { SecurityLevel::Strict };
        let runtime = embedded::open(home, 16);
        let watcher = runtime.watch().expect("changes can be followed");
        let shutdown = options.shutdown.clone();
        let service = Arc::new(Service::new(runtime.clone(), Consents::new(level)));
        let workspace = Workspace::resolve(&home.workspace()).expect("a workspace");
        let app = Router::new().route_service("/mcp", http_service(service, options)).layer(map_request(
            move |request: Request<Body>| {
                let workspace = workspace.clone();
                async move { named(request, workspace) }
            },
        ));
        let threads = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("threads");
        let listener = threads.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        threads.spawn(async move { axum::serve(listener, app).await });
        Self { address, runtime, _watcher: watcher, shutdown, threads: Some(threads) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.shutdown.cancel();
        while self.runtime.dispatcher().running() > 0 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        self.runtime.dispatcher().flush().expect("the records are written");
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

fn named(mut request: Request<Body>, workspace: Workspace) -> Request<Body> {
    let name = request
        .headers()
        .get("authorization")
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .map(str::to_owned);
    if let Some(name) = name {
        let may_grant = name == "ada";
        let caller = Caller { name, scope: Scope::all(), workspace: Some(workspace), may_grant };
        request.extensions_mut().insert(Arc::new(caller));
    }
    request
}
