//! Providers that mean no good: they say too much, without an end, or try to have the key.

use super::*;

/// The beginning of a piece of text in a format, a piece, and what it is served as.
fn saying(format: Format, text: &str) -> (&'static str, String) {
    let text = serde_json::json!(text);
    match format {
        Format::Anthropic => (
            "text/event-stream",
            format!(
                "data: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":{text}}}}}\n\n"
            ),
        ),
        Format::OpenAi => {
            ("text/event-stream", format!("data: {{\"choices\":[{{\"delta\":{{\"content\":{text}}}}}]}}\n\n"))
        }
        Format::Ollama => {
            ("application/x-ndjson", format!("{{\"message\":{{\"content\":{text}}},\"done\":false}}\n"))
        }
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_given_up_at_its_bound() {
    for format in Format::ALL {
        let (kind, piece) = saying(format, &"x".repeat(10_000));
        let world = world(format, vec![Reply::repeated(kind, "", piece, usize::MAX)]).await;
        let error = world.ask(ABLE, &[user("hi")]).await.unwrap_err();
        assert!(error.to_string().contains("more than 4 MiB"), "{format}: {error}");
        assert!(world.heard().concat().len() <= 4 << 20);
    }
}

#[tokio::test]
async fn a_document_without_an_end_is_given_up_at_its_bound() {
    for format in Format::ALL {
        let long = Reply::repeated("application/json", "{\"x\":\"", "x".repeat(100_000), usize::MAX);
        let error = one(format, long).await.unwrap_err();
        assert!(error.to_string().contains("more than 16 MiB"), "{format}: {error}");
        // What says its length is not read at all.
        let honest = Reply::repeated("application/json", "x", "x".repeat(1 << 20), 100);
        let honest = honest.header("content-length", &((100 << 20) + 1).to_string());
        let error = one(format, honest).await.unwrap_err();
        assert!(error.to_string().contains("more than 16 MiB"), "{format}: {error}");
    }
}

#[tokio::test]
async fn an_event_or_a_line_without_an_end_is_given_up() {
    let cases = [
        (Format::OpenAi, "text/event-stream", "data: \"", "x".repeat(50_000)),
        (Format::OpenAi, "text/event-stream", "", "data: x\n".to_owned()),
        (Format::Anthropic, "text/event-stream", "", ": nothing is said\n\n".to_owned()),
        (Format::Ollama, "application/x-ndjson", "\"", "x".repeat(50_000)),
    ];
    for (format, kind, first, piece) in cases {
        let reply = Reply::repeated(kind, first, piece.clone(), usize::MAX);
        let error = one(format, reply).await.unwrap_err();
        assert_eq!(error.code(), "model-malformed", "{format}: {error}");
        assert!(error.to_string().contains("1 MiB") || error.to_string().contains("no line"), "{error}");
    }
}

#[tokio::test]
async fn events_that_say_nothing_end_too() {
    let piece = format!("data: {{\"choices\":[],\"padding\":\"{}\"}}\n\n", "x".repeat(500_000));
    let error = one(Format::OpenAi, Reply::repeated("text/event-stream", "", piece, usize::MAX)).await;
    let error = error.unwrap_err();
    assert!(error.to_string().contains("without an end"), "{error}");
}

#[tokio::test]
async fn calls_are_bounded_and_no_index_takes_room() {
    let openai = |index: u64| {
        format!(
            "data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{{\"index\":{index},\"function\":{{\"name\":\"x\",\"arguments\":\"{{}}\"}}}}]}}}}]}}\n\n"
        )
    };
    let body: String = (0..5_000).map(|index| openai(index * 1_000_000_007)).collect();
    let error = one(Format::OpenAi, Reply::raw("text/event-stream", body)).await.unwrap_err();
    assert!(error.to_string().contains("more than 64 calls"), "{error}");
    let anthropic = |index: u64| {
        format!(
            "data: {{\"type\":\"content_block_start\",\"index\":{index},\"content_block\":{{\"type\":\"tool_use\",\"id\":\"i{index}\",\"name\":\"x\",\"input\":{{}}}}}}\n\n"
        )
    };
    let body: String = (0..5_000).map(|index| anthropic(index * 1_000_000_007)).collect();
    let error = one(Format::Anthropic, Reply::raw("text/event-stream", body)).await.unwrap_err();
    assert!(error.to_string().contains("more than 64 calls"), "{error}");
    let call = "{\"function\":{\"name\":\"x\",\"arguments\":{}}}";
    let body =
        format!("{{\"message\":{{\"tool_calls\":[{}]}},\"done\":true}}\n", vec![call; 5_000].join(","));
    let error = one(Format::Ollama, Reply::raw("application/x-ndjson", body)).await.unwrap_err();
    assert!(error.to_string().contains("more than 64 calls"), "{error}");
    // Arguments count as the text does.
    let piece = format!(
        "data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{{\"index\":0,\"function\":{{\"name\":\"x\",\"arguments\":\"{}\"}}}}]}}}}]}}\n\n",
        "x".repeat(10_000)
    );
    let endless = Reply::repeated("text/event-stream", "", piece, usize::MAX);
    assert!(one(Format::OpenAi, endless).await.unwrap_err().to_string().contains("more than 4 MiB"));
}

#[tokio::test]
async fn nesting_without_an_end_is_no_answer() {
    for format in Format::ALL {
        let kind = if format == Format::Ollama { "application/x-ndjson" } else { "text/event-stream" };
        let deep = format!("{}\n\n", "[".repeat(100_000));
        let body = if format == Format::Ollama { deep } else { format!("data: {deep}") };
        assert_eq!(one(format, Reply::raw(kind, body)).await.unwrap_err().code(), "model-malformed");
        // Arguments may be as deep as text; sent back, they are text again.
        let calls = vec![call("a", "x", &format!("{{\"a\":{}", "[".repeat(100_000)))];
        let results = vec![result("a", "x", "no", true)];
        let messages =
            [user("hi"), Message::Assistant { text: String::new(), calls }, Message::Tool { results }];
        let world = world(format, vec![Reply::text("fine")]).await;
        assert_eq!(world.ask(ABLE, &messages).await.unwrap().text, "fine");
    }
}

#[tokio::test]
async fn a_redirect_is_refused_and_leads_no_key_anywhere() {
    for format in Format::ALL {
        for status in [301, 302, 303, 307, 308] {
            let elsewhere = ScriptedServer::start(format, vec![Reply::text("mine")]).await.unwrap();
            let path = if format == Format::Anthropic { "v1/messages" } else { "api/chat" };
            let to = elsewhere.url().join(path).unwrap();
            let reply = Reply::error(status, "").header("location", to.as_str());
            let error = one(format, reply).await.unwrap_err();
            assert_eq!(error.code(), "model-rejected", "{format}: {error}");
            assert!(error.to_string().contains("redirects to"), "{error}");
            assert!(elsewhere.requests().is_empty());
        }
    }
}

#[tokio::test]
async fn what_is_no_answer_is_not_taken_for_one() {
    for format in Format::ALL {
        for kind in ["text/html", "text/plain", "", "application/octet-stream"] {
            let error = one(format, Reply::raw(kind, "[DONE]")).await.unwrap_err();
            assert_eq!(error.code(), "model-malformed", "{format} {kind}: {error}");
        }
        let zipped = Reply::text("hi").header("content-encoding", "gzip");
        assert_eq!(one(format, zipped).await.unwrap_err().code(), "model-malformed");
    }
    // The other way to come in pieces is another format's.
    let lines = Reply::raw("application/x-ndjson", "{}\n");
    assert_eq!(one(Format::OpenAi, lines.clone()).await.unwrap_err().code(), "model-malformed");
    assert_eq!(one(Format::Anthropic, lines).await.unwrap_err().code(), "model-malformed");
    let events = Reply::raw("text/event-stream", "data: {\"done\":true}\n\n");
    assert_eq!(one(Format::Ollama, events).await.unwrap_err().code(), "model-malformed");
}

#[tokio::test]
async fn nothing_that_is_told_holds_the_key_or_moves_a_cursor() {
    let cases = [
        format!(
            r#"{{"error":{{"message":"Incorrect key provided: {KEY}. \u001b[31m\nline\u202e two\u0000"}}}}"#
        ),
        format!("Incorrect key provided: {KEY}\r\n\u{1b}[2J\u{202e} two"),
        format!(r#"{{"error":"no {}"}}"#, "k".repeat(290) + KEY),
    ];
    for format in Format::ALL {
        for body in &cases {
            for status in [400, 401, 429, 500] {
                let error = one(format, Reply::error(status, body.clone())).await.unwrap_err().to_string();
                assert!(!error.contains(&KEY[..12]) && error.chars().count() < 400, "{error}");
                assert!(!error.contains(['\n', '\r', '\u{1b}', '\u{202e}', '\0']), "{error:?}");
            }
        }
        let long = Reply::error(500, "\u{1b}".repeat(1 << 20));
        assert!(one(format, long).await.unwrap_err().to_string().chars().count() < 400);
    }
    let world = world(Format::OpenAi, vec![]).await;
    let shown = format!("{:?} {:?}", world.provider, Key::new(KEY).unwrap());
    assert!(!shown.contains(&KEY[..12]), "{shown}");
}

#[test]
fn addresses_and_keys_that_are_none_are_refused() {
    let client = HttpClient::new(options());
    let refused =
        ["ftp://x.example/", "http://me:secret@x.example/", "http://x.example/?a=b", "http://x.example/#f"];
    for url in refused {
        for format in Format::ALL {
            let error = format.provider(&client, &url.parse().unwrap(), None).unwrap_err().to_string();
            assert!(error.contains("no address of a provider") && !error.contains("secret"), "{error}");
        }
    }
    for key in ["", "  ", "a b", "a\nb", "ä"] {
        assert!(Key::new(key).is_err(), "{key:?}");
    }
    assert!(Key::new(" sk-1\n").is_ok());
}
