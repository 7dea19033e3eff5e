//! Limits: sizes, slowness, rates and quotas.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use openclaw_package::registry::Visibility;
use openclaw_registry_server::http::App;
use openclaw_registry_server::registry::{Registry, Start};
use openclaw_registry_server::{Limits, Location, server};
use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};

use crate::skill::skill;
use crate::world::{Backend, Place, World, http, refusal, run};

/// A server in this process, with limits that a test can wait for.
async fn impatient() -> (SocketAddr, tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits {
        head_time: Duration::from_millis(500),
        idle_time: Duration::from_millis(500),
        upload_time: Duration::from_secs(2),
        request_time: Duration::from_secs(3),
        ..Limits::default()
    };
    let start = Start {
        location: Location::directory(directory.path().join("data")),
        origin: None,
        bootstrap: Some("acme".parse().unwrap()),
        limits,
    };
    let started = Registry::start(start).await.unwrap();
    let token = started.first_token.unwrap().secret.reveal().to_owned();
    let listener = server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(server::run(App::new(started.registry, false), listener, std::future::pending()));
    (address, directory, token)
}

fn read_all(mut stream: TcpStream) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_slow_is_hung_up_on() {
    let (address, _directory, token) = impatient().await;
    let drip = move |head: String, pause: Duration| {
        let began = Instant::now();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        for _ in 0..200 {
            std::thread::sleep(pause);
            if stream.write_all(b"a").is_err() {
                break;
            }
        }
        (began.elapsed(), read_all(stream))
    };
    let put = format!(
        "PUT /api/v1/skills/acme/hello/1.0.0 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-type: multipart/form-data; boundary=x\r\ncontent-length: 1000000\r\n\r\n"
    );
    let part = format!("{put}--x\r\ncontent-disposition: form-data; name=\"archive\"\r\n\r\n");
    let cases = [
        ("a head that never ends", "GET / HTTP/1.1\r\nx: ".to_owned(), Duration::from_millis(100)),
        ("a silent upload", put, Duration::from_millis(1500)),
        ("a dripping upload", part, Duration::from_millis(100)),
    ];
    for (what, head, pause) in cases {
        let (took, answer) = tokio::task::spawn_blocking(move || drip(head, pause)).await.unwrap();
        assert!(took < Duration::from_secs(12), "{what}: {took:?}");
        let told = answer.is_empty() || answer.contains(" 408 ");
        assert!(told, "{what}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_nothing_is_hung_up_on() {
    let (address, directory, _) = impatient().await;
    // More than the buffers of the system hold, asked for again and again, and never read.
    let _ = directory;
    let began = Instant::now();
    let outcome = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
        let request = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(50);
        while began.elapsed() < Duration::from_secs(15) {
            match stream.write_all(request.as_bytes()) {
                Ok(()) => {}
                Err(error)
                    if matches!(
                        error.kind(),
                        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                    ) => {}
                Err(error) => return error.kind(),
            }
        }
        std::io::ErrorKind::Other
    });
    let kind = outcome.await.unwrap();
    assert!(matches!(kind, std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe), "{kind:?}");
}

#[test]
fn bodies_and_heads_have_a_largest_size() {
    run(Backend::Sqlite, async |world: World| {
        let acme = world.acme();
        let mut upload = acme.prepare(&skill("acme/hello", "1.0.0"), Visibility::Public).await;
        upload.archive = vec![0; (24 << 20) + 1];
        assert_eq!(refusal(acme.send(&upload).await).await, (413, "too-large".into()));
        upload.archive = Vec::new();
        upload.signature = vec![b' '; (1 << 20) + 1];
        assert_eq!(refusal(acme.send(&upload).await).await, (413, "too-large".into()));
        let body = format!("{{\"events\":[\"{}\"]}}", "x".repeat(600 << 10));
        let url = world.url("/api/v1/publishers/acme/events");
        let post = |body: String, kind: &str| {
            world.http.post(&url).bearer_auth(&world.token).header("content-type", kind).body(body).send()
        };
        assert_eq!(refusal(post(body, "application/json").await.unwrap()).await, (413, "too-large".into()));
        for (body, kind, code) in [
            ("{}", "application/json", "invalid-body"),
            ("[", "application/json", "invalid-body"),
            ("{\"events\":[]}", "text/plain", "invalid-body"),
            ("{\"events\":[]}", "application/json", "invalid-events"),
            ("{\"events\":[\"x\"]}", "application/json", "invalid-envelope"),
        ] {
            let response = post(body.to_owned(), kind).await.unwrap();
            assert_eq!(refusal(response).await, (400, code.into()), "{body}");
        }
        let put = world.url("/api/v1/skills/acme/hello/1.0.0");
        for form in [
            Form::new().part("surprise", Part::bytes(vec![1])),
            Form::new().part("archive", Part::bytes(vec![1])),
            Form::new().part("archive", Part::bytes(vec![1])).part("archive", Part::bytes(vec![1])),
        ] {
            let response =
                world.http.put(&put).bearer_auth(&world.token).multipart(form).send().await.unwrap();
            assert_eq!(refusal(response).await, (400, "invalid-upload".into()));
        }
        let long = world.get("/health").header("x-long", "x".repeat(64 << 10)).send().await;
        assert!(long.is_err() || long.unwrap().status() == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        let mut many = world.get("/health");
        for number in 0..100 {
            many = many.header(format!("x-{number}"), "x");
        }
        let many = many.send().await;
        assert!(many.is_err() || many.unwrap().status() == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        assert_eq!(endless(&world), 413);
        assert_eq!(world.json("/health").await["status"], "ok");
    });
}

/// Sends an archive that does not end, and gives the status of the answer.
fn endless(world: &World) -> u16 {
    let address = world.server.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "PUT /api/v1/skills/acme/hello/1.0.0 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: multipart/form-data; boundary=x\r\ntransfer-encoding: chunked\r\n\r\n",
        world.token
    );
    stream.write_all(head.as_bytes()).unwrap();
    let part = "--x\r\ncontent-disposition: form-data; name=\"archive\"\r\n\r\n";
    let chunk = |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    stream.write_all(&chunk(part.as_bytes())).unwrap();
    let block = chunk(&vec![b'a'; 1 << 20]);
    for _ in 0..64 {
        if stream.write_all(&block).is_err() {
            break;
        }
    }
    let answer = read_all(stream);
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(413)
}

#[test]
fn an_address_and_a_token_have_their_rates() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let place = Place::new(Backend::Sqlite).await;
        let world = World::start_with(place, &["--requests-per-minute", "30", "--writes-per-minute", "5"]);
        let acme = world.acme();
        for _ in 0..5 {
            assert_eq!(refusal(acme.post(&["x".to_owned()]).await).await.1, "invalid-envelope");
        }
        assert_eq!(refusal(acme.post(&["x".to_owned()]).await).await, (429, "rate-limited".into()));
        let mut limited = None;
        for _ in 0..40 {
            let response = world.get("/checkpoint").send().await.unwrap();
            if response.status() == StatusCode::TOO_MANY_REQUESTS {
                limited = Some(response);
                break;
            }
        }
        let limited = limited.expect("forty requests are too many");
        let wait: u64 = limited.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait));
        assert_eq!(refusal(limited).await, (429, "rate-limited".into()));
        // Those who watch the server are always answered.
        let metrics = world.text("/metrics").await;
        assert!(metrics.contains("openclaw_registry_rate_limited_total 2"), "{metrics}");
    });
}

#[test]
fn a_publisher_has_a_quota_of_names_and_uploads() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let place = Place::new(Backend::Sqlite).await;
        let world = World::start_with(place, &["--new-names-per-day", "2", "--uploads-per-hour", "4"]);
        let acme = world.acme();
        acme.publish(&skill("acme/one", "1.0.0")).await;
        acme.publish(&skill("acme/two", "1.0.0")).await;
        let third = acme.prepare(&skill("acme/three", "1.0.0"), Visibility::Public).await;
        let refused = acme.send(&third).await;
        assert!(refused.headers().contains_key("retry-after"));
        assert_eq!(refusal(refused).await, (429, "rate-limited".into()));
        acme.publish(&skill("acme/one", "1.0.1")).await;
        acme.publish(&skill("acme/one", "1.0.2")).await;
        let next = acme.prepare(&skill("acme/one", "1.0.3"), Visibility::Public).await;
        assert_eq!(refusal(acme.send(&next).await).await, (429, "rate-limited".into()));
    });
}

#[test]
fn behind_a_proxy_each_client_has_its_own_rate() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let place = Place::new(Backend::Sqlite).await;
        let world = World::start_with(place, &["--requests-per-minute", "3", "--trust-forwarded"]);
        let ask = async |from: &str| {
            let request = http().get(world.url("/checkpoint")).header("x-forwarded-for", from);
            request.send().await.unwrap().status()
        };
        for _ in 0..3 {
            assert_eq!(ask("203.0.113.1").await, StatusCode::OK);
        }
        assert_eq!(ask("203.0.113.1").await, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(
            ask("198.51.100.9, 203.0.113.1").await,
            StatusCode::TOO_MANY_REQUESTS,
            "the last one counts"
        );
        assert_eq!(ask("203.0.113.2").await, StatusCode::OK);
        for last in 1..=3 {
            assert_eq!(ask(&format!("2001:db8::{last}")).await, StatusCode::OK);
        }
        assert_eq!(ask("2001:db8::4").await, StatusCode::TOO_MANY_REQUESTS, "a network counts as one");
    });
}

#[test]
fn one_publisher_never_has_all_places_for_uploads() {
    run(Backend::Sqlite, async |world: World| {
        let other = world.publisher("other", 2).await;
        let address = world.server.url.trim_start_matches("http://");
        let slow: Vec<TcpStream> = (0..8)
            .map(|number| {
                let mut stream = TcpStream::connect(address).unwrap();
                let head = format!(
                    "PUT /api/v1/skills/acme/slow-{number}/1.0.0 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
                     content-type: multipart/form-data; boundary=x\r\ncontent-length: 100000\r\n\r\n--x\r\n",
                    world.token
                );
                stream.write_all(head.as_bytes()).unwrap();
                stream
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(500)).await;
        let upload = other.prepare(&skill("other/hello", "1.0.0"), Visibility::Public).await;
        let sent = tokio::time::timeout(Duration::from_secs(10), other.send(&upload)).await;
        assert_eq!(sent.expect("others are not waited for").status(), StatusCode::CREATED);
        drop(slow);
    });
}
