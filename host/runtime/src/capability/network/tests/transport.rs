//! What reaches a server, and what comes back.

use std::pin::Pin;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use wasmtime::component::{Linker, Resource, ResourceTable};
use wasmtime_wasi::p2::Pollable;
use wasmtime_wasi_http::p2::bindings::http::outgoing_handler;
use wasmtime_wasi_http::p2::bindings::http::types::{
    ErrorCode, HeaderError, HostFields, HostFutureIncomingResponse, HostIncomingResponse,
    HostOutgoingRequest, Scheme,
};
use wasmtime_wasi_http::{Error, WasiHttpHooks};

use super::super::*;
use super::support::*;
use crate::capability::Reason;

#[tokio::test]
async fn a_permitted_request_is_sent_and_answered() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nkeep-alive: timeout=5\r\nconnection: close, x-hop\r\n\
         x-hop: 1\r\nproxy-authenticate: Basic\r\nx-end: 2\r\n\r\nhello";
    let (server, mut heads) = canned(answer).await;
    let mut call = Call::simple(local(&format!("http://{server}")));
    let response = call.get(&format!("http://{server}/a/b?c=d")).await.unwrap();
    assert_eq!(response.status(), 200);
    let names: Vec<_> = response.headers().keys().map(|name| name.as_str().to_owned()).collect();
    assert_eq!(names, ["content-length", "x-end"]);
    assert_eq!(text(response).await.unwrap(), "hello");

    let head = heads.recv().await.unwrap();
    assert_eq!(head, format!("GET /a/b?c=d HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\r\n"));
    let usage = call.state.usage();
    assert_eq!(
        (usage.requests, usage.bytes_sent, usage.bytes_received),
        (1, head.len() as u64, answer.len() as u64)
    );
    assert!(call.denied().is_empty());
}

#[tokio::test]
async fn a_request_body_is_sent() {
    let (bodies, mut received) = mpsc::unbounded_channel();
    let server = serve(move |mut stream| {
        let bodies = bodies.clone();
        async move {
            let mut request = String::new();
            while !request.ends_with("payload") {
                stream.read_to_string_chunk(&mut request).await;
            }
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            bodies.send(request).unwrap();
        }
    })
    .await;
    let mut call = Call::simple(local(&format!("http://{server}")));
    let response = call.send(request("POST", &format!("http://{server}/"), "payload")).await.unwrap();
    assert_eq!(response.status(), 204);
    assert!(received.recv().await.unwrap().contains("content-length: 7\r\n"));
}

/// Appends what a stream has.
trait ReadChunk {
    async fn read_to_string_chunk(&mut self, text: &mut String);
}

impl ReadChunk for tokio::net::TcpStream {
    async fn read_to_string_chunk(&mut self, text: &mut String) {
        let mut chunk = [0; 1024];
        let read = self.read(&mut chunk).await.unwrap();
        assert_ne!(read, 0, "closed after {text:?}");
        text.push_str(std::str::from_utf8(&chunk[..read]).unwrap());
    }
}

#[tokio::test]
async fn what_was_checked_is_what_is_sent() {
    let (server, mut heads) = canned("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let mut call = Call::simple(local(&format!("http://{server}")));
    for (sent, seen) in [
        ("/a/../b", "/b"),
        ("/a/%2e%2E/b", "/b"),
        (r"/a\..\b", "/b"),
        ("/a/./b?x=../y", "/a/b?x=../y"),
        ("", "/"),
        ("?q", "/?q"),
        ("/a#fragment", "/a"),
    ] {
        call.get(&format!("http://{server}{sent}")).await.unwrap();
        let head = heads.recv().await.unwrap();
        assert!(head.starts_with(&format!("GET {seen} HTTP/1.1\r\n")), "{sent}: {head}");
    }
    let port = server.port();
    call.get(&format!("http://2130706433:{port}/")).await.unwrap();
    let head = heads.recv().await.unwrap();
    assert!(head.contains(&format!("host: 127.0.0.1:{port}\r\n")), "{head}");
}

#[tokio::test]
async fn the_guest_cannot_set_the_fields_of_the_hop() {
    let (server, mut heads) = canned("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let mut call = Call::simple(local(&format!("http://{server}")));
    let mut request = request("GET", &format!("http://{server}/"), "");
    for name in [
        "host",
        "connection",
        "upgrade",
        "te",
        "trailer",
        "transfer-encoding",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "http2-settings",
    ] {
        request.headers_mut().append(name, "evil".parse().unwrap());
    }
    call.send(request).await.unwrap();
    let head = heads.recv().await.unwrap();
    assert_eq!(head, format!("GET / HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\r\n"));
}

#[test]
fn the_guest_is_told_which_fields_it_may_not_set() {
    let mut call = Call::simple(local("http://127.0.0.1:1"));
    let mut table = ResourceTable::new();
    let mut view = call.state.view(&mut table);
    let mut set = |name: &str, value: &[u8]| {
        let made = view.from_list(vec![(name.to_owned(), value.to_owned())]);
        made.map(|_| ()).map_err(|error| error.downcast())
    };
    for name in
        ["Host", "connection", "Upgrade", "TE", "trailer", "Transfer-Encoding", "keep-alive", "Proxy-Foo"]
    {
        assert!(matches!(set(name, b"x"), Err(Ok(HeaderError::Forbidden))), "{name}");
    }
    for (name, value) in [("x-a", &b"a\r\nb: c"[..]), ("x-a", b"a\nb"), ("x-a", b"a\0"), ("x\r\nb", b"c")] {
        assert!(matches!(set(name, value), Err(Ok(HeaderError::InvalidSyntax))), "{name:?} {value:?}");
    }
    assert!(set("x-a", &[b'a'; 16 << 10]).is_ok());
    assert!(matches!(set("x-a", &[b'a'; 32 << 10]), Err(Err(_))));
}

#[tokio::test]
async fn a_denied_request_reaches_nobody() {
    let (server, mut heads) = canned("HTTP/1.1 200 OK\r\n\r\n").await;
    let origin = format!("http://{server}");
    let request = vec![entry("GET", &format!("{origin}/"), true)];
    let mut call = Call::simple(grants(request, &[], &[]));
    let error = call.get(&format!("{origin}/x?secret")).await.unwrap_err();
    assert!(matches!(error, Error::HttpRequestDenied), "{error}");
    assert!(heads.try_recv().is_err());
    assert_eq!(call.state.usage(), NetworkUsage::default());
    let denied = call.denied();
    assert_eq!(denied.len(), 1);
    assert_eq!(denied[0].reason, Reason::NotGranted);
    assert_eq!(denied[0].target, format!("GET {origin}/x"));
    assert_eq!(denied[0].hint, Some(format!("openclaw grant allow acme/web network:internal GET {origin}/")));
}

#[tokio::test]
async fn an_internal_address_is_refused_by_name_and_by_number() {
    let (server, mut heads) = canned("HTTP/1.1 200 OK\r\n\r\n").await;
    let port = server.port();
    for host in ["public.example", "127.0.0.1"] {
        let rule = format!("network * http://{host}:{port}/");
        let request = vec![entry("GET", &format!("http://{host}:{port}/"), false)];
        let resolver = Arc::new(FakeResolver::answering(host, &[&["127.0.0.1", "::1"]]));
        let client = HttpClientOptions { ca_file: None, resolver };
        let options = CallOptions { client, ..CallOptions::default() };
        let mut call = Call::new(grants(request, &[&rule], &[]), options);
        let error = call.get(&format!("http://{host}:{port}/")).await.unwrap_err();
        assert!(matches!(error, Error::DestinationIpProhibited), "{error}");
        assert_eq!(call.denied()[0].reason, Reason::InternalAddress);
    }
    assert!(heads.try_recv().is_err());
}

#[tokio::test]
async fn a_name_is_resolved_once_and_connected_where_it_was_checked() {
    let (server, mut heads) = canned("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let origin = format!("http://rebind.example:{}", server.port());
    // The second answer would be the attack: nobody asks for it.
    let resolver = Arc::new(FakeResolver::answering("rebind.example", &[&["127.0.0.1"], &["127.0.0.2"]]));
    let client = HttpClientOptions { ca_file: None, resolver: Arc::clone(&resolver) as _ };
    let mut call = Call::new(local(&origin), CallOptions { client, ..CallOptions::default() });
    call.get(&format!("{origin}/")).await.unwrap();
    assert_eq!(resolver.calls.load(Ordering::SeqCst), 1);
    assert!(heads.recv().await.unwrap().contains("host: rebind.example:"));
}

#[tokio::test]
async fn a_redirect_is_the_guests_to_follow_and_is_checked_anew() {
    let (inner, mut inner_heads) = canned("HTTP/1.1 200 OK\r\n\r\n").await;
    let (server, mut heads) =
        canned(format!("HTTP/1.1 302 Found\r\nlocation: http://{inner}/admin\r\ncontent-length: 0\r\n\r\n"))
            .await;
    let mut call = Call::simple(local(&format!("http://{server}")));
    let response = call.get(&format!("http://{server}/")).await.unwrap();
    assert_eq!(response.status(), 302);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let error = call.get(&location).await.unwrap_err();
    assert!(matches!(error, Error::HttpRequestDenied), "{error}");
    assert_eq!(call.denied()[0].reason, Reason::NotRequested);
    assert!(heads.recv().await.is_some() && inner_heads.try_recv().is_err());
}

#[tokio::test]
async fn no_connection_and_no_cookie_is_used_twice() {
    let response =
        "HTTP/1.1 200 OK\r\nset-cookie: id=1\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n";
    let (connections, mut seen) = mpsc::unbounded_channel();
    let server = serve(move |mut stream| {
        let connections = connections.clone();
        async move {
            for number in 0.. {
                let head = read_head(&mut stream).await;
                if head.is_empty() || connections.send((number, head)).is_err() {
                    return;
                }
                let _ = stream.write_all(response.as_bytes()).await;
            }
        }
    })
    .await;
    let mut call = Call::simple(local(&format!("http://{server}")));
    for _ in 0..3 {
        text(call.get(&format!("http://{server}/")).await.unwrap()).await.unwrap();
        let (number, head) = seen.recv().await.unwrap();
        assert_eq!(number, 0);
        assert!(!head.contains("cookie"), "{head}");
    }
}

#[tokio::test]
async fn a_switch_of_protocols_is_not_followed() {
    let (server, _heads) =
        canned("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nraw").await;
    let mut call = Call::simple(local(&format!("http://{server}")));
    let error = call.get(&format!("http://{server}/")).await.unwrap_err();
    assert!(matches!(error, Error::HttpProtocolError), "{error}");
}

#[tokio::test]
async fn connections_end_with_the_state_of_the_call() {
    let (closed, mut was_closed) = mpsc::unbounded_channel();
    let server = serve(move |mut stream| {
        let closed = closed.clone();
        async move {
            read_head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhalf").await.unwrap();
            let rest = stream.read(&mut [0; 16]).await;
            closed.send(rest.unwrap_or(0)).unwrap();
        }
    })
    .await;
    let mut call = Call::simple(local(&format!("http://{server}")));
    let response = call.get(&format!("http://{server}/")).await.unwrap();
    let Call { state, .. } = call;
    drop(state);
    let end = tokio::time::timeout(Duration::from_secs(5), was_closed.recv()).await.unwrap();
    assert_eq!(end, Some(0));
    // What was cut off must not pass for a complete response.
    assert!(text(response).await.is_err());
}

#[tokio::test]
async fn failures_are_told_apart() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let mut call = Call::simple(local(&format!("http://{nobody}")));
    let error = call.get(&format!("http://{nobody}/")).await.unwrap_err();
    assert!(matches!(error, Error::ConnectionRefused), "{error}");

    let mut call = Call::simple(local("http://unknown.example"));
    let error = call.get("http://unknown.example/").await.unwrap_err();
    assert!(matches!(error, Error::DnsError { .. }), "{error}");

    for (response, incomplete) in [("", true), ("HTTP/1.1 200 OK\r\nx", true), ("SSH-2.0-x\r\n\r\n", false)] {
        let (server, _heads) = canned(response).await;
        let mut call = Call::simple(local(&format!("http://{server}")));
        let error = call.get(&format!("http://{server}/")).await.unwrap_err();
        assert_eq!(matches!(error, Error::HttpResponseIncomplete), incomplete, "{response}: {error}");
        assert_eq!(matches!(error, Error::HttpProtocolError), !incomplete, "{response}: {error}");
    }
}

#[tokio::test]
async fn proxy_settings_are_ignored() {
    const MARK: &str = "OPENCLAW_TEST_PROXY";
    let (server, mut heads) = canned("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    if std::env::var_os(MARK).is_some() {
        let mut call = Call::simple(local(&format!("http://{server}")));
        call.get(&format!("http://{server}/")).await.unwrap();
        assert!(heads.recv().await.unwrap().starts_with("GET / HTTP/1.1\r\n"));
        return;
    }
    // The environment of a running process cannot be changed safely: the test runs again in one of its own.
    let (proxy, mut proxied) = canned("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let mut again = Command::new(std::env::current_exe().unwrap());
    again
        .args(["--exact", "capability::network::tests::transport::proxy_settings_are_ignored"])
        .env(MARK, "1");
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        again.env(name, format!("http://{proxy}"));
    }
    let output = tokio::task::spawn_blocking(move || again.output()).await.unwrap().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
    assert!(proxied.try_recv().is_err());
}

/// What the guest's side of `wasi:http` gets for a request to `authority`.
async fn as_a_guest(call: &mut Call, authority: &str) -> Result<u16, ErrorCode> {
    let mut table = ResourceTable::new();
    let mut view = call.state.view(&mut table);
    let fields = HostFields::new(&mut view).unwrap();
    let request = HostOutgoingRequest::new(&mut view, fields).unwrap();
    let same = |request: &Resource<_>| Resource::new_borrow(request.rep());
    view.set_scheme(same(&request), Some(Scheme::Http)).unwrap().unwrap();
    view.set_authority(same(&request), Some(authority.to_owned())).unwrap().unwrap();
    view.set_path_with_query(same(&request), Some("/".to_owned())).unwrap().unwrap();
    let future = outgoing_handler::Host::handle(&mut view, request, None).unwrap();
    view.table.get_mut(&future).unwrap().ready().await;
    let response = HostFutureIncomingResponse::get(&mut view, future).unwrap().unwrap().unwrap()?;
    Ok(HostIncomingResponse::status(&mut view, response).unwrap())
}

#[tokio::test]
async fn the_guest_is_told_in_the_terms_of_its_interface() {
    let (server, _heads) = canned("HTTP/1.1 418 Teapot\r\ncontent-length: 0\r\n\r\n").await;
    let mut granted = Call::simple(local(&format!("http://{server}")));
    assert_eq!(as_a_guest(&mut granted, &server.to_string()).await.unwrap(), 418);
    let denied = as_a_guest(&mut granted, "other.example").await;
    assert!(matches!(denied, Err(ErrorCode::HttpRequestDenied)), "{denied:?}");
    let denied = as_a_guest(&mut granted, "user@other.example").await;
    assert!(matches!(denied, Err(ErrorCode::HttpRequestDenied)), "{denied:?}");

    let origin = format!("http://{server}/");
    let rule = format!("network * {origin}");
    let mut external = Call::simple(grants(vec![entry("GET", &origin, true)], &[&rule], &[]));
    let prohibited = as_a_guest(&mut external, &server.to_string()).await;
    assert!(matches!(prohibited, Err(ErrorCode::DestinationIpProhibited)), "{prohibited:?}");

    let mut undeclared = NetworkState::default();
    let sent = undeclared.hooks.send_request(request("GET", &origin, ""), None, Box::new(async { Ok(()) }));
    assert!(matches!(Pin::from(sent).await, Err(Error::HttpRequestDenied)));
    assert_eq!(undeclared.usage(), NetworkUsage::default());
}

#[test]
fn the_interfaces_link() {
    struct Data {
        network: NetworkState,
        table: ResourceTable,
    }
    let mut linker = Linker::<Data>::new(&wasmtime::Engine::default());
    add_to_linker(&mut linker, |data| data.network.view(&mut data.table)).unwrap();
}
