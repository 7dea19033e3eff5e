//! What ends a request that takes too long or brings too much.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use wasmtime_wasi_http::{Error, RequestOptions};

use super::super::resolve::Resolve;
use super::super::*;
use super::support::*;
use crate::capability::Reason;

const SHORT: Duration = Duration::from_millis(300);

/// Fails unless the rest of the test takes less than a few seconds.
struct Prompt(Instant);

impl Prompt {
    fn start() -> Self {
        Self(Instant::now())
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.0.elapsed() < Duration::from_secs(5), "took {:?}", self.0.elapsed());
        }
    }
}

fn hurried(grants: NetworkGrants) -> Call {
    Call::new(grants, CallOptions { time: SHORT, ..CallOptions::default() })
}

#[tokio::test]
async fn an_endless_response_ends_at_the_cap() {
    let server = endless("HTTP/1.1 200 OK\r\n\r\n", "0123456789abcdef", Duration::ZERO).await;
    let limits = NetworkLimits { response_bytes: 100_000, ..NetworkLimits::default() };
    let mut call = Call::limited(local(&format!("http://{server}")), limits);
    let mut body = call.get(&format!("http://{server}/x")).await.unwrap().into_body();
    let mut received = 0;
    let error = loop {
        match body.frame().await.unwrap() {
            Ok(frame) => received += frame.into_data().unwrap().len(),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::HttpResponseBodySize(Some(100_000))), "{error}");
    assert!(received <= 100_000);
    let denied = call.denied();
    assert_eq!((denied[0].reason, &denied[0].hint), (Reason::QuotaExceeded, &None));
    assert_eq!(denied[0].target, format!("GET http://{server}/x"));
}

#[tokio::test]
async fn the_cap_is_for_the_whole_call() {
    let (server, _heads) = canned("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    let limits = NetworkLimits { response_bytes: 12, ..NetworkLimits::default() };
    let mut call = Call::limited(local(&format!("http://{server}")), limits);
    for _ in 0..2 {
        text(call.get(&format!("http://{server}/")).await.unwrap()).await.unwrap();
    }
    // What a response declares is refused before any of it is read.
    let error = call.get(&format!("http://{server}/")).await.unwrap_err();
    assert!(matches!(error, Error::HttpResponseBodySize(Some(12))), "{error}");
    assert_eq!(call.denied()[0].reason, Reason::QuotaExceeded);
}

#[tokio::test]
async fn endless_heads_and_trailers_end() {
    let _prompt = Prompt::start();
    for (beginning, piece) in [
        ("HTTP/1.1 200 OK\r\nx: ", "0123456789abcdef0123456789abcdef"),
        ("HTTP/1.1 200 OK\r\n", "x: y\r\n"),
        ("HTTP/1.1 200 ", "OK"),
    ] {
        let server = endless(beginning, piece, Duration::ZERO).await;
        let mut call = Call::simple(local(&format!("http://{server}")));
        let error = call.get(&format!("http://{server}/")).await.unwrap_err();
        assert!(matches!(error, Error::HttpResponseHeaderSectionSize(_)), "{beginning}: {error}");
    }
    let beginning = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n";
    let server = endless(beginning, "x: 0123456789abcdef0123456789abcdef\r\n", Duration::ZERO).await;
    let mut call = Call::simple(local(&format!("http://{server}")));
    assert!(text(call.get(&format!("http://{server}/")).await.unwrap()).await.is_err());
}

#[tokio::test]
async fn more_than_a_hundred_fields_are_refused() {
    for (fields, refused) in [(100, false), (101, true)] {
        let (server, _heads) =
            canned(format!("HTTP/1.1 204 No Content\r\n{}\r\n", "x: y\r\n".repeat(fields))).await;
        let mut call = Call::simple(local(&format!("http://{server}")));
        let outcome = call.get(&format!("http://{server}/")).await;
        assert_eq!(matches!(outcome, Err(Error::HttpResponseHeaderSectionSize(_))), refused, "{fields}");
    }
}

#[tokio::test]
async fn endless_informational_responses_end_at_the_deadline() {
    let _prompt = Prompt::start();
    let server = endless("", "HTTP/1.1 103 Early Hints\r\n\r\n", Duration::ZERO).await;
    let mut call = hurried(local(&format!("http://{server}")));
    let error = call.get(&format!("http://{server}/")).await.unwrap_err();
    assert!(matches!(error, Error::HttpResponseTimeout), "{error}");
}

#[tokio::test]
async fn a_dripping_response_ends_at_the_deadline() {
    let _prompt = Prompt::start();
    for pause in [Duration::from_millis(50), Duration::ZERO] {
        let server = endless("HTTP/1.1 200 OK\r\n\r\n", "x", pause).await;
        let limits = NetworkLimits { response_bytes: u64::MAX, ..NetworkLimits::default() };
        let options = CallOptions { limits, time: SHORT, ..CallOptions::default() };
        let mut call = Call::new(local(&format!("http://{server}")), options);
        let response = call.get(&format!("http://{server}/")).await.unwrap();
        let error = text(response).await.unwrap_err();
        assert!(matches!(error, Error::HttpResponseTimeout), "{error}");
    }
}

#[tokio::test]
async fn silence_ends_a_request_at_every_stage() {
    let _prompt = Prompt::start();
    let limits = NetworkLimits { first_byte: SHORT, between_bytes: SHORT, ..NetworkLimits::default() };
    // The guest may ask for less than the host allows, never for more.
    let long = Some(Duration::from_secs(3600));
    let patient =
        RequestOptions { connect_timeout: long, first_byte_timeout: long, between_bytes_timeout: long };
    let short = Some(Duration::from_millis(50));
    let hasty =
        RequestOptions { connect_timeout: long, first_byte_timeout: short, between_bytes_timeout: short };
    for (limits, asked) in [(limits, patient), (NetworkLimits::default(), hasty)] {
        let mute = endless("", "", Duration::from_secs(60)).await;
        let mut call = Call::limited(local(&format!("http://{mute}")), limits);
        let error =
            call.send_with(request("GET", &format!("http://{mute}/"), ""), Some(asked)).await.unwrap_err();
        assert!(matches!(error, Error::HttpResponseTimeout), "{error}");

        let half = endless("HTTP/1.1 200 OK\r\n\r\nhalf", "", Duration::from_secs(60)).await;
        let mut call = Call::limited(local(&format!("http://{half}")), limits);
        let sent = call.send_with(request("GET", &format!("http://{half}/"), ""), Some(asked)).await;
        let error = text(sent.unwrap()).await.unwrap_err();
        assert!(matches!(error, Error::ConnectionReadTimeout), "{error}");
    }
}

#[tokio::test]
async fn a_guest_that_is_busy_between_reads_is_not_late() {
    let (server, _heads) = canned("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    let limits = NetworkLimits { between_bytes: Duration::from_millis(50), ..NetworkLimits::default() };
    let mut call = Call::limited(local(&format!("http://{server}")), limits);
    let response = call.get(&format!("http://{server}/")).await.unwrap();
    tokio::time::sleep(SHORT).await;
    assert_eq!(text(response).await.unwrap(), "hello");
}

/// A resolver that never answers.
struct Silent;

#[async_trait]
impl Resolve for Silent {
    async fn resolve(&self, _host: &str) -> std::io::Result<Vec<std::net::IpAddr>> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_silent_name_server_ends_at_the_connect_timeout_or_the_deadline() {
    let _prompt = Prompt::start();
    let short = NetworkLimits { connect: SHORT, ..NetworkLimits::default() };
    for (limits, time) in [(short, Duration::from_secs(20)), (NetworkLimits::default(), SHORT)] {
        let client = HttpClientOptions { ca_file: None, resolver: Arc::new(Silent) };
        let mut call = Call::new(
            local("http://h.example"),
            CallOptions { limits, client, time, ..CallOptions::default() },
        );
        let error = call.get("http://h.example/").await.unwrap_err();
        assert!(matches!(error, Error::DnsTimeout), "{error}");
    }
}

#[tokio::test]
async fn a_request_body_ends_at_the_cap() {
    let server = endless("", "", Duration::from_secs(60)).await;
    let limits = NetworkLimits { request_bytes: 100_000, ..NetworkLimits::default() };
    let mut call = Call::limited(local(&format!("http://{server}")), limits);
    let frames = futures::stream::repeat_with(|| Ok(Frame::data(Bytes::from_static(&[b'x'; 999]))));
    let request = http::Request::post(format!("http://{server}/"))
        .body(BodyExt::boxed_unsync(StreamBody::new(frames)))
        .unwrap();
    let error = call.send(request).await.unwrap_err();
    assert!(matches!(error, Error::HttpRequestBodySize(Some(100_000))), "{error}");
    assert_eq!(call.denied()[0].reason, Reason::QuotaExceeded);
    assert!(call.state.usage().bytes_sent < 110_000);
}

#[tokio::test]
async fn requests_of_a_call_are_counted() {
    let (server, _heads) = canned("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let limits = NetworkLimits { requests: 2, ..NetworkLimits::default() };
    let mut call = Call::limited(local(&format!("http://{server}")), limits);
    for _ in 0..2 {
        call.get(&format!("http://{server}/")).await.unwrap();
    }
    let error = call.get(&format!("http://{server}/")).await.unwrap_err();
    assert!(matches!(error, Error::ConnectionLimitReached), "{error}");
    assert_eq!(call.denied()[0].reason, Reason::QuotaExceeded);
    assert_eq!(call.state.usage().requests, 2);
}

#[tokio::test]
async fn connections_of_a_call_are_counted() {
    let server = endless("HTTP/1.1 200 OK\r\n\r\n", "", Duration::from_secs(60)).await;
    let limits = NetworkLimits { connections: 1, ..NetworkLimits::default() };
    let mut call = Call::limited(local(&format!("http://{server}")), limits);
    let held = call.get(&format!("http://{server}/")).await.unwrap();
    let error = call.get(&format!("http://{server}/")).await.unwrap_err();
    assert!(matches!(error, Error::ConnectionLimitReached), "{error}");
    drop(held);
}

#[test]
fn bodies_that_are_never_sent_take_little_memory() {
    let limits = NetworkLimits { requests: 2, ..NetworkLimits::default() };
    let mut call = Call::limited(local("http://127.0.0.1:1"), limits);
    let mut chunk = || wasmtime_wasi_http::WasiHttpHooks::p2_outgoing_body_chunk_size(&mut call.state.hooks);
    assert_eq!([chunk(), chunk(), chunk(), chunk()], [64 << 10, 64 << 10, 1, 1]);
}
