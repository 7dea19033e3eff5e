//! Which requests carry a secret, and what of it comes back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use openclaw_package::permission::{SecretPlace, SecretRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use wasmtime_wasi_http::Error;

use super::super::dial::{Dial, DialError, Dialled};
use super::super::*;
use super::support::*;
use super::tls::Authority;
use crate::capability::secret::{SecretGrants, SecretValues};
use crate::capability::{Capability, Denials, Reason};
use crate::secrets::SecretValue;

/// It has what a header, a query and JSON each write in another way.
const VALUE: &str = r#"s3cr3t "value"/+&=%~ end"#;

/// A server that proves to be `api.example`, and answers with what it is told; the heads of its requests.
async fn server(
    authority: &Authority,
    answer: impl Fn(&str) -> Vec<Vec<u8>> + Send + Sync + 'static,
) -> (u16, mpsc::UnboundedReceiver<String>) {
    let (acceptor, answer) = (authority.acceptor("api.example"), Arc::new(answer));
    let (heads, received) = mpsc::unbounded_channel();
    let address = serve(move |stream| {
        let (acceptor, answer, heads) = (acceptor.clone(), Arc::clone(&answer), heads.clone());
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut head = Vec::new();
            while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let _ = heads.send(head.clone());
            for piece in answer(&head) {
                let _ = stream.write_all(&piece).await;
                let _ = stream.flush().await;
                // So that each arrives by itself.
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let _ = stream.shutdown().await;
        }
    })
    .await;
    (address.port(), received)
}

fn ok(body: &str) -> Vec<Vec<u8>> {
    vec![format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()]
}

fn header() -> SecretPlace {
    SecretPlace::header("authorization", Some("Bearer ")).unwrap()
}

/// What a skill holds that has a secret for `api.example` at a port.
struct Scene {
    authority: Authority,
    place: SecretPlace,
    allow: Vec<String>,
    deny: Vec<String>,
    value: Option<&'static str>,
}

impl Scene {
    fn new(place: SecretPlace, port: u16, authority: Authority) -> Self {
        let allow = vec![format!("token api.example:{port}")];
        Self { authority, place, allow, deny: Vec::new(), value: Some(VALUE) }
    }

    fn grants(&self, port: u16) -> NetworkGrants {
        let urls = [format!("https://api.example:{port}"), "http://api.example".to_owned()];
        let entries = urls.iter().map(|url| entry("GET,POST,HEAD", &format!("{url}/"), true)).collect();
        let rules: Vec<_> = urls.iter().map(|url| format!("network:internal * {url}/")).collect();
        let rules: Vec<_> = rules.iter().map(String::as_str).collect();
        let request = SecretRequest {
            name: "token".parse().unwrap(),
            host: format!("api.example:{port}").parse().unwrap(),
            place: self.place.clone(),
            reason: "tests".parse().unwrap(),
        };
        let parsed = |texts: &[String]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let secrets = SecretGrants::new("acme/web", vec![request], parsed(&self.allow), parsed(&self.deny));
        grants(entries, &rules, &[]).with_secrets(secrets)
    }

    fn values(&self) -> Arc<SecretValues> {
        let value = |text: &str| ("token".parse().unwrap(), SecretValue::try_from(text.to_owned()).unwrap());
        let values: BTreeMap<_, _> = self.value.map(value).into_iter().collect();
        Arc::new(SecretValues::new(&"acme/web".parse().unwrap(), values))
    }

    fn client(&self) -> HttpClientOptions {
        let resolver = Arc::new(FakeResolver::answering("api.example", &[&["127.0.0.1"]]));
        HttpClientOptions { ca_file: self.authority.trusted(), resolver }
    }

    /// A call in the host's own process.
    fn call(&self, port: u16) -> Call {
        let (client, secrets) = (self.client(), self.values());
        Call::new(self.grants(port), CallOptions { client, secrets, ..CallOptions::default() })
    }

    /// A call in a worker, and the denials that its host records.
    fn worker_call(&self, port: u16) -> (Call, Denials) {
        let denials = Denials::default();
        let relay = Relay::new(Means {
            grants: Arc::new(self.grants(port)),
            client: Arc::new(HttpClient::new(self.client())),
            denials: denials.clone(),
            limits: NetworkLimits::default(),
            secrets: Some(self.values()),
            deadline: Instant::now() + Duration::from_secs(20),
        });
        let host = Arc::new(Host { relay: Arc::new(relay), lie: None });
        (Call::of_worker(self.grants(port), host), denials)
    }
}

/// The host of a worker, as far as a connection needs one.
struct Host {
    relay: Arc<Relay>,
    /// What the host is told in place of the request that is made.
    lie: Option<(&'static str, String)>,
}

#[async_trait]
impl Dial for Host {
    async fn dial(&self, permitted: &Permitted, _: tokio::time::Instant) -> Result<Dialled, DialError> {
        let wished = self.lie.clone().map_or_else(
            || (permitted.method().clone(), permitted.url().clone()),
            |(method, lie)| (method.parse().unwrap(), url(&lie)),
        );
        if !self.relay.takes(&wished.1).map_err(DialError::Denied)? {
            return Err(DialError::Unavailable);
        }
        let (ours, theirs) = UnixStream::pair().unwrap();
        let relay = Arc::clone(&self.relay);
        tokio::spawn(async move { relay.serve(wished.0, wished.1, ours).await });
        Ok(Dialled::Relayed(theirs))
    }
}

/// Everything that a guest can see of a response.
async fn seen(response: Response<WasiBody>) -> String {
    let (parts, body) = response.into_parts();
    let collected = body.collect().await.unwrap();
    let trailers = format!("{:?}", collected.trailers());
    let headers: Vec<_> = parts
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    format!("{}\n{}\n{trailers}", headers.join("\n"), String::from_utf8_lossy(&collected.to_bytes()))
}

/// Nothing of the value is there, in any form.
#[track_caller]
fn is_clean(text: &str) {
    for part in ["s3cr3t", "czNjcjN0", "733363723374", "value", "dmFsdWU"] {
        assert!(!text.contains(part), "{part} in {text}");
    }
}

fn with_header(mut request: Request<WasiBody>, name: &'static str, value: &'static str) -> Request<WasiBody> {
    request.headers_mut().insert(name, HeaderValue::from_static(value));
    request
}

#[tokio::test]
async fn the_host_puts_the_secret_into_a_header() {
    let authority = Authority::new();
    let (port, mut heads) = server(&authority, |_| ok("hello")).await;
    let scene = Scene::new(header(), port, authority);
    let mut call = scene.call(port);
    let ranged = request("GET", &format!("https://api.example:{port}/a?b=c"), "");
    let asking = with_header(with_header(ranged, "range", "bytes=0-9"), "accept-encoding", "gzip");
    let response = call.send(asking).await.unwrap();
    assert_eq!(text(response).await.unwrap(), "hello");
    let head = heads.recv().await.unwrap();
    assert!(head.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("authorization: Bearer {VALUE}\r\n")), "{head}");
    assert!(head.contains("accept-encoding: identity\r\n") && !head.contains("range"), "{head}");
}

#[tokio::test]
async fn the_host_puts_the_secret_into_the_query() {
    for (asked, sent) in [("/a", "/a?key="), ("/a?b=c", "/a?b=c&key=")] {
        let authority = Authority::new();
        let (port, mut heads) = server(&authority, |_| ok("hello")).await;
        let scene = Scene::new(SecretPlace::query("key").unwrap(), port, authority);
        let mut call = scene.call(port);
        call.get(&format!("https://api.example:{port}{asked}")).await.unwrap();
        let encoded: String = url::form_urlencoded::byte_serialize(VALUE.as_bytes()).collect();
        let head = heads.recv().await.unwrap();
        assert!(head.starts_with(&format!("GET {sent}{encoded} HTTP/1.1\r\n")), "{head}");
    }
}

#[tokio::test]
async fn no_other_scheme_port_or_host_gets_it() {
    let authority = Authority::new();
    let (port, mut heads) = server(&authority, |_| ok("hello")).await;
    // The secret is for the next port; this server is granted, and gets nothing.
    let mut scene = Scene::new(header(), port, authority);
    let elsewhere = scene.grants(port + 1);
    scene.allow = vec![format!("token api.example:{}", port + 1)];
    assert!(
        elsewhere
            .secrets()
            .due(&url(&format!("https://api.example:{port}/")), &HeaderMap::new())
            .unwrap()
            .is_empty()
    );
    let request = SecretRequest {
        name: "token".parse().unwrap(),
        host: format!("api.example:{}", port + 1).parse().unwrap(),
        place: header(),
        reason: "tests".parse().unwrap(),
    };
    let secrets = SecretGrants::new(
        "acme/web",
        vec![request],
        vec![format!("token api.example:{}", port + 1).parse().unwrap()],
        Vec::new(),
    );
    let options = CallOptions { client: scene.client(), secrets: scene.values(), ..CallOptions::default() };
    let origin = format!("https://api.example:{port}");
    let mut call = Call::new(local(&origin).with_secrets(secrets), options);
    call.get(&format!("{origin}/")).await.unwrap();
    let head = heads.recv().await.unwrap();
    assert!(!head.contains("authorization") && !head.contains("s3cr3t"), "{head}");

    let (plain, mut heads) = canned("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let mut call = Call::simple(local(&format!("http://{plain}")));
    call.get(&format!("http://{plain}/")).await.unwrap();
    assert!(!heads.recv().await.unwrap().contains("authorization"));
}

#[tokio::test]
async fn a_request_that_cannot_carry_its_secret_is_not_sent() {
    let authority = Authority::new();
    let (port, mut heads) = server(&authority, |_| ok("hello")).await;
    let mut scene = Scene::new(header(), port, authority);
    let target = format!("https://api.example:{port}/");
    let granted = std::mem::take(&mut scene.allow);
    for (allow, deny, value, reason) in [
        (vec![], vec![], Some(VALUE), Reason::NotGranted),
        (vec![format!("other api.example:{port}")], vec![], Some(VALUE), Reason::NotGranted),
        (vec!["token api.example".to_owned()], vec![], Some(VALUE), Reason::NotGranted),
        (granted.clone(), granted.clone(), Some(VALUE), Reason::DeniedByOwner),
        (granted, vec![], None, Reason::NoValue),
    ] {
        (scene.allow, scene.deny, scene.value) = (allow, deny, value);
        let mut call = scene.call(port);
        let error = call.get(&target).await.unwrap_err();
        assert!(matches!(error, Error::HttpRequestDenied), "{error}");
        let denials = call.denied();
        let [denial] = denials.as_slice() else { panic!("{denials:?}") };
        assert_eq!((denial.capability, denial.reason), (Capability::Secret, reason));
        let hint = match reason {
            Reason::NotGranted => {
                Some(format!("openclaw grant allow acme/web secret token api.example:{port}"))
            }
            Reason::NoValue => Some("openclaw secret set acme/web token".to_owned()),
            _ => None,
        };
        assert_eq!(denial.hint, hint);

        let (mut worker, host_denials) = scene.worker_call(port);
        let error = worker.get(&target).await.unwrap_err();
        assert!(matches!(error, Error::HttpRequestDenied), "{error}");
        assert_eq!(worker.denied().first().map(|denial| denial.reason), Some(reason));
        if reason == Reason::NoValue {
            assert_eq!(
                host_denials.take().0.first().and_then(|denial| denial.hint.clone()),
                hint,
                "the host's own word"
            );
        }
    }
    assert!(heads.try_recv().is_err(), "something was sent");
}

#[tokio::test]
async fn a_guest_cannot_put_anything_in_its_place() {
    let authority = Authority::new();
    let (port, mut heads) = server(&authority, |_| ok("hello")).await;
    let mut scene = Scene::new(header(), port, authority);
    let target = format!("https://api.example:{port}/");
    let own = || with_header(request("GET", &target, ""), "authorization", "Bearer mine");
    let mut call = scene.call(port);
    assert!(matches!(call.send(own()).await.unwrap_err(), Error::HttpRequestDenied));
    assert_eq!(call.denied()[0].reason, Reason::ForbiddenRequest);
    let (mut worker, _) = scene.worker_call(port);
    assert!(matches!(worker.send(own()).await.unwrap_err(), Error::HttpRequestDenied));
    scene.place = SecretPlace::query("key").unwrap();
    let mut call = scene.call(port);
    assert!(matches!(
        call.get(&format!("{target}?a=b&k%65y=mine")).await.unwrap_err(),
        Error::HttpRequestDenied
    ));
    let denied = call.denied();
    assert_eq!(denied[0].reason, Reason::ForbiddenRequest);
    assert!(!denied[0].to_string().contains("mine"), "{denied:?}");
    assert!(heads.try_recv().is_err(), "something was sent");
}

/// A response that repeats the value in every form, split at every place, in its head and in its trailers.
fn echo(head: &str) -> Vec<Vec<u8>> {
    assert!(head.contains(VALUE), "{head}");
    let hex: String = VALUE.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = url::form_urlencoded::byte_serialize(VALUE.as_bytes()).collect();
    let forms = [
        VALUE.to_owned(),
        STANDARD.encode(format!("Bearer {VALUE}")),
        STANDARD.encode(format!("xBearer {VALUE}")),
        STANDARD.encode(format!("xyBearer {VALUE}")),
        URL_SAFE_NO_PAD.encode(VALUE),
        hex.to_uppercase(),
        hex,
        percent,
        serde_json::json!({ "you sent": VALUE }).to_string(),
    ];
    let mut pieces = vec![
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-end\r\nx-you: {VALUE}\r\nlocation: /?{}\r\n\r\n", forms[7])
            .into_bytes(),
    ];
    for form in &forms {
        let (first, second) = form.split_at(form.len() / 2);
        for part in [format!("begin {first}"), format!("{second} end\n")] {
            pieces.push(format!("{:x}\r\n{part}\r\n", part.len()).into_bytes());
        }
    }
    pieces.push(format!("0\r\nx-end: {VALUE}\r\n\r\n").into_bytes());
    pieces
}

#[tokio::test]
async fn a_server_that_repeats_it_repeats_it_to_nobody() {
    let authority = Authority::new();
    let (port, _heads) = server(&authority, echo).await;
    let scene = Scene::new(header(), port, authority);
    let target = format!("https://api.example:{port}/");
    let (mut worker, _) = scene.worker_call(port);
    for call in [&mut scene.call(port), &mut worker] {
        let response = call.get(&target).await.unwrap();
        assert!(!response.headers().contains_key("content-length"));
        let seen = seen(response).await;
        is_clean(&seen);
        assert!(seen.matches("[redacted:secret]").count() >= 11, "{seen}");
        assert_eq!(seen.matches("begin ").count(), 9, "{seen}");
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_refused() {
    for field in
        ["content-encoding: gzip", "content-encoding: identity, br", "transfer-encoding: gzip, chunked"]
    {
        let authority = Authority::new();
        let answer = format!("HTTP/1.1 200 OK\r\n{field}\r\n\r\n0\r\n\r\n").into_bytes();
        let (port, _heads) = server(&authority, move |_| vec![answer.clone()]).await;
        let scene = Scene::new(header(), port, authority);
        let target = format!("https://api.example:{port}/");
        let error = scene.call(port).get(&target).await.unwrap_err();
        assert!(
            matches!(error, Error::HttpResponseContentCoding(_) | Error::HttpResponseTransferCoding(_)),
            "{field}: {error}"
        );
        let error = scene.worker_call(port).0.get(&target).await.unwrap_err();
        assert!(matches!(error, Error::HttpResponseContentCoding(_)), "{field}: {error}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_in_the_middle_of_it_gives_no_beginning_of_it() {
    let authority = Authority::new();
    let answer = |_: &str| {
        let half = VALUE.split_at(VALUE.len() / 2).0;
        vec![format!("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhello {half}").into_bytes()]
    };
    let (port, _heads) = server(&authority, answer).await;
    let scene = Scene::new(header(), port, authority);
    let mut response = scene.call(port).get(&format!("https://api.example:{port}/")).await.unwrap();
    let (mut given, mut error) = (Vec::new(), None);
    while let Some(frame) = response.body_mut().frame().await {
        match frame {
            Ok(frame) => given.extend(frame.into_data().unwrap()),
            Err(failed) => error = Some(failed),
        }
    }
    assert!(matches!(error, Some(Error::HttpResponseIncomplete)), "{error:?}");
    is_clean(&String::from_utf8_lossy(&given));
}

#[tokio::test]
async fn a_redirect_takes_it_nowhere() {
    let (other, mut others) = canned("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let authority = Authority::new();
    let to =
        format!("HTTP/1.1 302 Found\r\nlocation: http://{other}/\r\ncontent-length: 0\r\n\r\n").into_bytes();
    let (port, mut heads) = server(&authority, move |_| vec![to.clone()]).await;
    let scene = Scene::new(header(), port, authority);
    let response = scene.call(port).get(&format!("https://api.example:{port}/")).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.headers()["location"].to_str().unwrap()),
        (302, format!("http://{other}/").as_str())
    );
    assert!(heads.recv().await.unwrap().contains("s3cr3t"));
    assert!(others.try_recv().is_err(), "the host followed it");
}

#[tokio::test]
async fn no_denial_tells_of_a_secret_in_the_query() {
    let authority = Authority::new();
    let (port, _heads) = server(&authority, |_| ok("too much for the budget")).await;
    let scene = Scene::new(SecretPlace::query("key").unwrap(), port, authority);
    let limits = NetworkLimits { response_bytes: 3, ..NetworkLimits::default() };
    let (client, secrets) = (scene.client(), scene.values());
    let mut call =
        Call::new(scene.grants(port), CallOptions { client, secrets, limits, ..CallOptions::default() });
    call.get(&format!("https://api.example:{port}/a")).await.unwrap_err();
    let denied = call.denied();
    assert_eq!(denied[0].reason, Reason::QuotaExceeded);
    is_clean(&format!("{denied:?}"));
}

#[tokio::test]
async fn a_worker_gets_the_answer_and_never_the_secret() {
    let authority = Authority::new();
    let (port, mut heads) = server(&authority, |_| ok("hello")).await;
    let scene = Scene::new(header(), port, authority);
    let (mut worker, _) = scene.worker_call(port);
    let response =
        worker.send(request("POST", &format!("https://api.example:{port}/a?b=c"), "body")).await.unwrap();
    assert_eq!(text(response).await.unwrap(), "hello");
    let head = heads.recv().await.unwrap();
    assert!(head.starts_with("POST /a?b=c HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("authorization: Bearer {VALUE}\r\n")), "{head}");
    assert!(head.contains(&format!("host: api.example:{port}\r\n")), "{head}");
}

#[tokio::test]
async fn a_worker_that_wished_for_another_request_is_not_served() {
    let authority = Authority::new();
    let (port, mut heads) = server(&authority, |_| ok("hello")).await;
    let scene = Scene::new(header(), port, authority);
    for (method, path) in [("POST", "/a"), ("GET", "/b"), ("GET", "/a?x=y")] {
        let (_, denials) = scene.worker_call(port);
        let relay = Relay::new(Means {
            grants: Arc::new(scene.grants(port)),
            client: Arc::new(HttpClient::new(scene.client())),
            denials,
            limits: NetworkLimits::default(),
            secrets: Some(scene.values()),
            deadline: Instant::now() + Duration::from_secs(20),
        });
        let lie = Some((method, format!("https://api.example:{port}{path}")));
        let mut call = Call::of_worker(scene.grants(port), Arc::new(Host { relay: Arc::new(relay), lie }));
        let error = call.get(&format!("https://api.example:{port}/a")).await.unwrap_err();
        assert!(matches!(error, Error::HttpRequestDenied), "{error}");
    }
    assert!(heads.try_recv().is_err(), "something was sent");
}

#[tokio::test]
async fn a_relay_serves_one_request_and_speaks_no_other_protocol() {
    let authority = Authority::new();
    let (port, mut heads) = server(&authority, |_| ok("hello")).await;
    let scene = Scene::new(header(), port, authority);
    let relay = Arc::new(Relay::new(Means {
        grants: Arc::new(scene.grants(port)),
        client: Arc::new(HttpClient::new(scene.client())),
        denials: Denials::default(),
        limits: NetworkLimits::default(),
        secrets: Some(scene.values()),
        deadline: Instant::now() + Duration::from_secs(20),
    }));
    for sent in [
        "GET /a HTTP/1.1\r\nhost: x\r\n\r\nGET /a HTTP/1.1\r\nhost: x\r\n\r\n",
        "\0\0\0\0 nonsense\r\n\r\n",
        "CONNECT evil.example:443 HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (served, target) = (Arc::clone(&relay), url(&format!("https://api.example:{port}/a")));
        let serving = tokio::spawn(async move { served.serve("GET".parse().unwrap(), target, ours).await });
        theirs.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let _ =
            tokio::time::timeout(Duration::from_secs(10), theirs.read_to_string(&mut answer)).await.unwrap();
        is_clean(&answer);
        serving.await.unwrap();
    }
    assert!(heads.recv().await.is_some());
    assert!(heads.try_recv().is_err(), "more than one was sent");
}
