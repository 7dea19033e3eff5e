//! Agents over a WebSocket: conversations, questions to the person, and sockets that are not as they should be.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use openclaw_agent::session::LaneLimits;
use openclaw_gateway::limits::Limits;
use openclaw_runtime::consent::SecurityLevel;
use openclaw_tests::http::Request;
use openclaw_tests::{Home, Skill};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::home;
use crate::hosted::{Hosted, PATIENCE, Plan};

/// An open socket.
struct Socket(WebSocketStream<TcpStream>);

/// Opens a socket with these headers; else the status and the code of the refusal.
async fn open_with(hosted: &Hosted, headers: &[(&'static str, String)]) -> Result<Socket, (u16, String)> {
    open_at(hosted, "/ws", headers).await
}

async fn open_at(
    hosted: &Hosted,
    target: &str,
    headers: &[(&'static str, String)],
) -> Result<Socket, (u16, String)> {
    let mut request = format!("ws://{}{target}", hosted.address).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(hosted.address).await.unwrap();
    match client_async(request, stream).await {
        Ok((socket, response)) => {
            let chosen = response.headers().get("sec-websocket-protocol").map(|name| name.to_str().unwrap());
            assert!(chosen.is_none_or(|name| name == "openclaw.v1"), "{chosen:?}");
            Ok(Socket(socket))
        }
        Err(Error::Http(response)) => {
            let body: Value =
                serde_json::from_slice(response.body().as_deref().unwrap_or_default()).unwrap_or_default();
            let code = body["error"]["code"].as_str().unwrap_or_default().to_owned();
            Err((response.status().as_u16(), code))
        }
        Err(error) => panic!("{error}"),
    }
}

async fn open(hosted: &Hosted, token: &str) -> Socket {
    open_with(hosted, &[("authorization", format!("Bearer {token}"))])
        .await
        .unwrap_or_else(|refused| panic!("{refused:?}"))
}

impl Socket {
    async fn send(&mut self, message: Value) {
        self.0.send(Message::Text(message.to_string().into())).await.unwrap();
    }

    /// The next message; none once the socket is closed, with the code.
    async fn next(&mut self) -> Result<Value, u16> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("something comes");
            match message {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(0, |frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(0),
            }
        }
    }

    /// All messages until one is of this type, it included.
    async fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut seen = Vec::new();
        loop {
            let message =
                self.next().await.unwrap_or_else(|code| panic!("closed with {code} after {seen:?}"));
            let is_it = message["type"] == kind;
            seen.push(message);
            if is_it {
                return seen;
            }
        }
    }

    async fn last_until(&mut self, kind: &str) -> Value {
        self.until(kind).await.pop().unwrap()
    }

    /// The code with which it is closed.
    async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }
}

fn say(conversation: &str, text: &str) -> Value {
    json!({ "type": "say", "conversation": conversation, "text": text })
}

const WRITE: &str = r#"call acme__files__write {"path":"/workspace/x","text":"y"}"#;

fn files() -> Home {
    Home::with(&Skill::guest("files").tree("$workspace", "write"))
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_go_on_beside_each_other_with_every_event() {
    let hosted = Hosted::start(home(), Plan::default()).await;
    let token = hosted.token("ada", &["*"]);
    let mut socket = open(&hosted, &token).await;
    socket.send(json!({ "type": "say", "text": "hello", "id": "m1" })).await;
    let seen = socket.until("answered").await;
    assert_eq!(
        (&seen[0]["type"], &seen[0]["id"], &seen[0]["agent"]),
        (&json!("accepted"), &json!("m1"), &json!("coder"))
    );
    let conversation = seen[0]["conversation"].as_str().unwrap().to_owned();
    assert!(seen.iter().all(|message| message["conversation"] == conversation.as_str()));
    let words: String =
        seen.iter().filter(|m| m["type"] == "text").filter_map(|m| m["text"].as_str()).collect();
    let answered = seen.last().unwrap();
    assert_eq!(words, "told 2 messages, the last: hello");
    assert_eq!((&answered["text"], &answered["reason"]), (&json!(words), &json!("done")));
    assert!(seen.iter().any(|message| message["type"] == "ended" && message["reason"] == "done"));

    socket.send(say("slow", r#"call acme__compute__sleep {"milliseconds":1500}"#)).await;
    socket.send(say(&conversation, "go on")).await;
    let first = socket.last_until("answered").await;
    assert_eq!(first["conversation"], conversation.as_str(), "it does not wait for the slow one");
    assert_eq!(first["text"], "told 4 messages, the last: go on");
    let seen = socket.until("answered").await;
    let kinds: Vec<_> = seen.iter().map(|message| message["type"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"call-ended"), "{kinds:?}");

    let mut eve = open(&hosted, &hosted.token("eve", &["*"])).await;
    eve.send(say(&conversation, "what was said?")).await;
    assert_eq!(eve.last_until("answered").await["text"], "told 2 messages, the last: what was said?");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_made_after_a_yes_and_not_after_a_no() {
    let hosted = Hosted::start(files(), Plan::default()).await;
    let token = hosted.token("ada", &["*"]);
    let mut socket = open(&hosted, &token).await;
    let file = hosted.home.workspace().join("x");
    socket.send(say("c", WRITE)).await;
    let question = socket.last_until("question").await;
    assert_eq!((&question["kind"], &question["tool"]), (&json!("approval"), &json!("acme/files/write")));
    assert_eq!((&question["writes"], &question["conversation"]), (&json!(true), &json!("c")));
    assert!(question["input"].as_str().unwrap().contains("/workspace/x"));
    let answer = |question: &Value, said: &str| json!({ "type": "answer", "question": question["question"], "approval": said });
    socket.send(json!({ "type": "answer", "question": question["question"], "text": "yes" })).await;
    assert_eq!(socket.last_until("error").await["code"], "invalid-answer");
    socket.send(answer(&question, "denied")).await;
    let seen = socket.until("answered").await;
    assert!(seen.iter().any(|message| message["outcome"] == "not-approved"), "{seen:?}");
    assert!(!file.exists());

    socket.send(say("c", WRITE)).await;
    let question = socket.last_until("question").await;
    socket.send(answer(&question, "once")).await;
    let seen = socket.until("answered").await;
    assert!(seen.iter().any(|message| message["outcome"] == "ok"), "{seen:?}");
    assert!(file.exists());
    socket.send(answer(&question, "once")).await;
    assert_eq!(socket.last_until("error").await["code"], "no-such-question");
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_are_consented_to_and_skills_are_answered() {
    let home = Home::new();
    home.install_ungranted(&Skill::guest("files").tree("$workspace", "write"));
    home.install(&Skill::guest("ask").ask());
    let hosted = Hosted::start(home, Plan { level: SecurityLevel::Moderate, ..Plan::default() }).await;
    let token = hosted.token("ada", &["*"]);
    let mut socket = open(&hosted, &token).await;
    socket.send(say("c", WRITE)).await;
    let mut kinds = Vec::new();
    let seen = loop {
        let message = socket.next().await.unwrap();
        match (message["type"].as_str().unwrap(), message["kind"].as_str()) {
            ("question", Some("approval")) => {
                kinds.push("approval");
                let answer = json!({ "type": "answer", "question": message["question"], "approval": "once" });
                socket.send(answer).await;
            }
            ("question", Some("consent")) => {
                kinds.push("consent");
                assert!(
                    message["items"][0]["scope"].as_str().unwrap().starts_with("filesystem:write"),
                    "{message}"
                );
                let answer = json!({ "type": "answer", "question": message["question"], "consent": [true] });
                socket.send(answer).await;
            }
            ("answered", _) => break message,
            _ => {}
        }
    };
    assert_eq!(kinds, ["approval", "consent"], "{seen}");
    assert!(hosted.home.workspace().join("x").exists());

    socket.send(say("c", r#"call acme__ask__put {"text":"Which colour?","choices":["red","blue"]}"#)).await;
    let question = socket.last_until("question").await;
    assert_eq!((&question["kind"], &question["text"]), (&json!("answer"), &json!("Which colour?")));
    assert_eq!(question["choices"], json!(["red", "blue"]));
    socket.send(json!({ "type": "answer", "question": question["question"], "text": "blue" })).await;
    assert!(socket.last_until("answered").await["text"].as_str().unwrap().contains("blue"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cancelled_ends_and_a_closed_socket_says_no_and_ends_all() {
    let hosted = Hosted::start(files(), Plan::default()).await;
    let token = hosted.token("ada", &["*"]);
    let mut socket = open(&hosted, &token).await;
    socket.send(json!({ "type": "cancel", "conversation": "c" })).await;
    assert_eq!(socket.last_until("error").await["code"], "nothing-to-cancel");
    socket.send(say("c", WRITE)).await;
    let question = socket.last_until("question").await;
    socket.send(json!({ "type": "cancel", "conversation": "c" })).await;
    let seen = socket.until("answered").await;
    assert_eq!(seen.last().unwrap()["reason"], "cancelled");
    let withdrawn = json!({ "type": "withdrawn", "question": question["question"] });
    assert!(seen.contains(&withdrawn), "{seen:?}");

    socket.send(say("c", WRITE)).await;
    socket.until("question").await;
    drop(socket);
    hosted.wait_until("its turn has ended", async || hosted.agents.at_work() == 0).await;
    assert!(!hosted.home.workspace().join("x").exists());
    let mut socket = open(&hosted, &token).await;
    socket.send(say("c", "go on")).await;
    assert_eq!(socket.last_until("answered").await["reason"], "done", "the conversation is whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_opens_a_socket() {
    let hosted = Hosted::start(home(), Plan::default()).await;
    let token = hosted.token("ada", &["*"]);
    let bearer = ("authorization", format!("Bearer {token}"));
    let refused = async |headers: &[(&'static str, String)]| open_with(&hosted, headers).await.err().unwrap();
    assert_eq!(refused(&[]).await, (401, "unauthorized".into()));
    assert_eq!(
        refused(&[bearer.clone(), ("origin", "https://evil.example".into())]).await,
        (403, "foreign-origin".into())
    );
    assert_eq!(
        refused(&[bearer.clone(), ("host", "evil.example".into())]).await,
        (421, "foreign-host".into())
    );
    assert_eq!(refused(&[bearer.clone(), ("sec-websocket-protocol", "other".into())]).await.0, 400);
    let none = hosted.token("none", &[]);
    assert_eq!(refused(&[("authorization", format!("Bearer {none}"))]).await, (403, "not-allowed".into()));
    let at = async |target: String| open_at(&hosted, &target, &[]).await.err().unwrap();
    assert_eq!(at(format!("/ws?token={token}")).await, (400, "token-in-url".into()));
    assert_eq!(at(format!("/ws/{token}")).await, (400, "token-in-url".into()));

    let plain = hosted.send(Request::get("/ws").by(&token)).await;
    assert_eq!(plain.header("upgrade"), Some("websocket"));
    assert_eq!(plain.refused(426), "not-a-websocket");

    let own = format!("http://{}", hosted.address);
    let protocols = ("sec-websocket-protocol", format!("openclaw.v1, openclaw.bearer.{token}"));
    let mut page = open_with(&hosted, &[protocols.clone(), ("origin", own)])
        .await
        .unwrap_or_else(|error| panic!("{error:?}"));
    page.send(say("c", "hello")).await;
    page.until("answered").await;
    assert_eq!(refused(&[protocols, bearer]).await, (401, "unauthorized".into()), "two tokens are none");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_message_is_told_and_what_is_too_much_closes_the_socket() {
    let limits = Limits {
        socket_message_bytes: 4096,
        socket_messages_per_minute: 20,
        sockets_per_token: 1,
        ..Limits::default()
    };
    let hosted = Hosted::start(home(), Plan { limits, ..Plan::default() }).await;
    let token = hosted.token("ada", &["*"]);
    let mut socket = open(&hosted, &token).await;
    for (wrong, code) in [
        (json!({ "type": "shout" }), "invalid-message"),
        (json!({ "type": "say", "text": " " }), "invalid-message"),
        (json!({ "type": "say", "text": "x", "agent": "nobody" }), "unknown-agent"),
        (json!({ "type": "say", "text": "x", "conversation": "a\nb" }), "invalid-conversation"),
        (json!({ "type": "say", "text": "x", "id": "x".repeat(65) }), "invalid-message"),
        (json!({ "type": "answer", "question": "q9" }), "no-such-question"),
    ] {
        socket.send(wrong.clone()).await;
        assert_eq!(socket.last_until("error").await["code"], code, "{wrong}");
    }
    let second = open_with(&hosted, &[("authorization", format!("Bearer {token}"))]).await;
    assert_eq!(second.err(), Some((429, "too-many-sockets".into())));
    let _ = socket.0.send(Message::Text("x".repeat(5000).into())).await;
    assert_eq!(socket.closed().await, 1009, "too large");

    let again = async || loop {
        // The one before is let go of a moment after it was closed.
        match open_with(&hosted, &[("authorization", format!("Bearer {token}"))]).await {
            Ok(socket) => return socket,
            Err(refused) => assert_eq!(refused.1, "too-many-sockets"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let mut binary = again().await;
    binary.0.send(Message::Binary(vec![1, 2, 3].into())).await.unwrap();
    assert_eq!(binary.closed().await, 1003);
    let mut many = again().await;
    for _ in 0..40 {
        let _ = many.0.send(Message::Text("{}".into())).await;
    }
    assert_eq!(many.closed().await, 1008);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_answers_no_ping_is_gone_and_who_does_stays() {
    let limits = Limits { ping_time: Duration::from_millis(300), ..Limits::default() };
    let hosted = Hosted::start(home(), Plan { limits, ..Plan::default() }).await;
    let token = hosted.token("ada", &["*"]);
    let mut present = open(&hosted, &token).await;
    let mut pings = 0;
    while pings < 4 {
        // Reading answers them.
        let message = tokio::time::timeout(PATIENCE, present.0.next()).await.unwrap().unwrap().unwrap();
        pings += usize::from(matches!(message, Message::Ping(_)));
    }
    present.send(say("c", r#"call acme__compute__sleep {"milliseconds":59000}"#)).await;
    present.until("call-begun").await;
    // From now on it reads nothing, and so answers nothing.
    hosted.wait_until("its turn was ended", async || hosted.agents.at_work() == 0).await;
    assert_eq!(present.closed().await, 1008);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_keeps_nobody_waiting_and_is_told_what_it_missed() {
    let hosted = Hosted::start(home(), Plan::default()).await;
    let token = hosted.token("ada", &["*"]);
    let mut slow = open(&hosted, &token).await;
    for turn in 0..5 {
        slow.send(say(&format!("c{turn}"), "flood 200")).await;
    }
    let all = "openclaw_agent_turns_total{agent=\"coder\",outcome=\"done\"} 5";
    hosted.wait_until("all are answered", async || hosted.metric(all).await == all).await;
    let (mut answered, mut missed, mut bytes) = (0, 0, 0);
    while answered < 5 {
        let message = slow.next().await.unwrap_or_else(|code| panic!("closed with {code}"));
        bytes += message["text"].as_str().unwrap_or_default().len();
        answered += usize::from(message["type"] == "answered");
        missed += message["count"].as_u64().unwrap_or(0);
    }
    assert!(
        missed > 0 || bytes == 20_000_000,
        "{bytes} bytes came, and {missed} pieces are said to be missing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_closes_its_sockets_and_a_gateway_that_stops_says_goodbye() {
    let plan = Plan { drain: Duration::from_millis(200), ..Plan::default() };
    let hosted = Hosted::start(home(), plan).await;
    let mut gone = open(&hosted, &hosted.token("gone", &["*"])).await;
    let mut stays = open(&hosted, &hosted.token("stays", &["*"])).await;
    hosted.revoke("gone").await;
    assert_eq!(gone.closed().await, 1008);
    stays.send(say("c", r#"call acme__compute__sleep {"milliseconds":59000}"#)).await;
    stays.until("call-begun").await;
    hosted.stop();
    let seen = stays.until("answered").await;
    assert_eq!(seen.last().unwrap()["reason"], "cancelled");
    assert_eq!(stays.closed().await, 1001);
    hosted.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_in_one_conversation_is_answered_in_the_order_in_which_it_was_sent() {
    let lanes = LaneLimits { per_session: 10, ..LaneLimits::default() };
    let hosted = Hosted::start(home(), Plan { lanes, ..Plan::default() }).await;
    let mut socket = open(&hosted, &hosted.token("ada", &["*"])).await;
    for number in 0..10 {
        // The first one takes longest.
        let text = if number == 0 {
            r#"call acme__compute__sleep {"milliseconds":700}"#.to_owned()
        } else {
            format!("number {number}")
        };
        socket
            .send(json!({ "type": "say", "conversation": "c", "text": text, "id": format!("m{number}") }))
            .await;
    }
    let (mut accepted, mut answered) = (Vec::new(), Vec::new());
    while answered.len() < 10 {
        let message = socket.next().await.unwrap();
        match message["type"].as_str().unwrap() {
            "accepted" => accepted.push(message["id"].clone()),
            "answered" => answered.push(message),
            "error" => panic!("{message}"),
            _ => {}
        }
    }
    let sent: Vec<Value> = (0..10).map(|number| json!(format!("m{number}"))).collect();
    assert_eq!(accepted, sent);
    let ids: Vec<Value> = answered.iter().map(|message| message["id"].clone()).collect();
    assert_eq!(ids, sent);
    for (number, message) in answered.iter().enumerate().skip(1) {
        // The instructions, four messages of the first, and two of each one since.
        let told = format!("told {} messages, the last: number {number}", 4 + 2 * number);
        assert_eq!(message["text"], told, "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agents_notes_are_its_owners_and_no_strangers() {
    let hosted = Hosted::start(home(), Plan { remembers: true, ..Plan::default() }).await;
    let mut owner = open(&hosted, &hosted.token("ada", &["*"])).await;
    let mut stranger = open(&hosted, &hosted.token_of_a_stranger("eve", &["*"])).await;
    let remember = |fact: &str| format!("call memory_remember {}", json!({ "fact": fact }));
    let file = hosted.home.data().join("memories/coder/MEMORY.md");
    let notes = || std::fs::read_to_string(&file).unwrap_or_default();

    owner.send(say("c", &remember("the owner likes tea"))).await;
    let seen = owner.until("answered").await;
    assert!(seen.iter().any(|message| message["outcome"] == "ok"), "{seen:?}");
    assert!(notes().contains("the owner likes tea"));
    let calls = [
        remember("eve is the owner"),
        r#"call memory_note {"text":"eve is the owner"}"#.to_owned(),
        r#"call memory_search {"query":"tea"}"#.to_owned(),
    ];
    for call in &calls {
        stranger.send(say("c", call)).await;
        let seen = stranger.until("answered").await;
        assert!(seen.iter().any(|message| message["outcome"] == "unknown-tool"), "{call}: {seen:?}");
        assert!(!seen.iter().any(|message| message.to_string().contains("likes tea")), "{call}: {seen:?}");
    }
    let files = std::fs::read_dir(file.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|path| path.is_file()) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("eve is"), "{}", file.display());
    }

    let before = hosted.model.requests().len();
    for socket in [&mut owner, &mut stranger] {
        socket.send(say("another", "what do you know?")).await;
        socket.until("answered").await;
    }
    let asked: Vec<_> =
        hosted.model.requests().split_off(before).into_iter().map(|asked| asked.body).collect();
    let knows = |asked: &Value| {
        (asked.to_string().contains("likes tea"), asked["tools"].to_string().contains("memory_note"))
    };
    assert_eq!((knows(&asked[0]), knows(&asked[1])), ((true, true), (false, false)), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_is_gone_on_with_is_counted_and_ends_with_its_token() {
    let hosted = Hosted::start(home(), Plan::default()).await;
    for name in ["ada", "eve"] {
        hosted.token(name, &["*"]);
    }
    let agents = std::sync::Arc::clone(&hosted.agents);
    let home = hosted.stopped().await;
    // As a process leaves it that is killed: messages were taken, and not answered.
    for (peer, time) in [("ada", 59_000), ("eve", 1)] {
        let key = openclaw_agent::session::SessionKey {
            agent: "coder".into(),
            channel: "ws".into(),
            peer: peer.into(),
            conversation: "one".into(),
        };
        let session = agents.store().open(&key).await.unwrap();
        let text = format!(r#"call acme__compute__sleep {{"milliseconds":{time}}}"#);
        agents.store().receive(session, &text).await.unwrap();
    }
    drop(agents);
    let hosted = Hosted::start(home, Plan::default()).await;
    let counted = async |outcome: &str| {
        let line = format!("openclaw_agent_turns_total{{agent=\"coder\",outcome=\"{outcome}\"}} 1");
        hosted.metric(&line).await == line
    };
    hosted.wait_until("the short one has ended", async || counted("done").await).await;
    assert_eq!(hosted.agents.at_work(), 1);
    hosted.wait_until("the long one calls", async || hosted.model.requests().len() == 3).await;
    assert!(!counted("cancelled").await);
    hosted.revoke("ada").await;
    hosted.wait_until("the long one has ended", async || counted("cancelled").await).await;
    assert_eq!(hosted.agents.at_work(), 0);
    assert!(counted("done").await, "eve's stays as it was");
}
