//! What statuses, codes and words mean.

use super::*;

async fn refused(format: Format, reply: Reply) -> ModelError {
    let world = world(format, vec![reply]).await;
    let error = world.ask(ABLE, &[user("hi")]).await.unwrap_err();
    assert!(world.heard().is_empty());
    assert_eq!(world.server.requests().len(), 1);
    error
}

#[tokio::test]
async fn a_status_says_whether_it_is_any_use_to_ask_again() {
    let cases = [
        (400, "model-rejected"),
        (401, "model-rejected"),
        (402, "model-rejected"),
        (403, "model-rejected"),
        (404, "model-rejected"),
        (408, "model-unavailable"),
        (409, "model-unavailable"),
        (413, "conversation-too-long"),
        (422, "model-rejected"),
        (429, "model-throttled"),
        (500, "model-unavailable"),
        (502, "model-unavailable"),
        (503, "model-unavailable"),
        (529, "model-unavailable"),
        (204, "model-malformed"),
    ];
    for format in Format::ALL {
        for (status, code) in cases {
            let error = refused(format, Reply::error(status, "")).await;
            assert_eq!(error.code(), code, "{format} {status}: {error}");
            assert!(error.to_string().contains(&status.to_string()), "{error}");
            assert_eq!(error.is_transient(), !matches!(code, "model-rejected" | "conversation-too-long"));
        }
    }
}

#[tokio::test]
async fn a_conversation_that_is_too_long_is_told_by_code_or_by_words() {
    let bodies = [
        r#"{"error":{"message":"x","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 208310 tokens > 200000 maximum"}}"#,
        r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}"#,
        r#"{"object":"error","message":"This model's maximum context length is 4096 tokens.","type":"BadRequestError","code":400}"#,
        r#"{"error":"input is too long for the model"}"#,
    ];
    for body in bodies {
        let error = refused(Format::OpenAi, Reply::error(400, body)).await;
        assert_eq!(error.code(), "conversation-too-long", "{body}: {error}");
    }
    // Who is not let in is not told to say less.
    let error = refused(Format::OpenAi, Reply::error(401, bodies[0])).await;
    assert_eq!(error.code(), "model-rejected");
}

#[tokio::test]
async fn a_quota_that_is_spent_is_no_throttle() {
    let body = r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    assert_eq!(refused(Format::OpenAi, Reply::error(429, body)).await.code(), "model-rejected");
}

type Headers<'a> = &'a [(&'a str, &'a str)];

async fn pause(status: u16, headers: Headers<'_>) -> Option<Duration> {
    let reply =
        headers.iter().fold(Reply::error(status, "{}"), |reply, (name, value)| reply.header(name, value));
    match refused(Format::Anthropic, reply).await {
        ModelError::Throttled { retry_after, .. } => retry_after,
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn when_to_ask_again_is_read_in_all_its_forms() {
    let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    let cases: [(Headers, Option<u64>); 9] = [
        (&[("retry-after", "7")], Some(7_000)),
        (&[("retry-after", " 1.5 ")], Some(1_500)),
        (&[("retry-after", "7"), ("retry-after-ms", "250")], Some(250)),
        (&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), date], Some(30_000)),
        (&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"), date], Some(0)),
        (&[("retry-after", "1e300")], Some(86_400_000)),
        (&[("retry-after", "-1")], None),
        (&[("retry-after", "NaN")], None),
        (&[("retry-after", "soon")], None),
    ];
    for (headers, milliseconds) in cases {
        assert_eq!(pause(429, headers).await, milliseconds.map(Duration::from_millis), "{headers:?}");
    }
    // Others than 429 say it too.
    for status in [503, 529] {
        assert_eq!(pause(status, &[("retry-after", "2")]).await, Some(Duration::from_secs(2)));
    }
    assert_eq!(pause(429, &[]).await, None);
}

#[tokio::test]
async fn nobody_there_is_unavailable_and_silence_ends() {
    let server = ScriptedServer::start(Format::OpenAi, vec![]).await.unwrap();
    let url = server.url();
    drop(server);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let messages = [user("hi")];
    let question = Question { system: "", messages: &messages, tools: &[], max_tokens: None };
    let client = HttpClient::new(options());
    for url in [url, gone.parse().unwrap()] {
        let provider = Format::Ollama.provider(&client, &url, None).unwrap();
        let error = provider.ask("m", ABLE, &question, &Heard::default()).await.unwrap_err();
        assert_eq!(error.code(), "model-unavailable", "{error}");
    }
    // It takes the connection, and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap()).parse().unwrap();
    let hasty = HttpOptions { silence: Duration::from_millis(50), ..options() };
    let provider = Format::OpenAi.provider(&HttpClient::new(hasty), &url, None).unwrap();
    let error = provider.ask("m", ABLE, &question, &Heard::default()).await.unwrap_err();
    assert!(error.to_string().ends_with("does not answer in time"), "{error}");
}
