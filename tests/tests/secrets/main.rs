//! Secrets: put into requests by the host, at both levels, and seen by no skill and in nothing that a call leaves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

mod keyring;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openclaw_runtime::capability::log::LogLine;
use openclaw_runtime::{Observer, Progress, Runtime};
use openclaw_tests::embedded::{self, open, open_isolated, tool_call};
use openclaw_tests::gateway::{Gateway, post};
use openclaw_tests::http::Request;
use openclaw_tests::server::Server;
use openclaw_tests::tls::TlsServer;
use openclaw_tests::{Home, Ran, Skill, component};
use rustix::process::Signal;
use serde_json::{Value, json};

/// What a header, a query, a shell and JSON each write in another way.
const VALUE: &str = "tok-4f1a/+=&\"9b7e";
const BEARER: &str = "header = \"authorization\"\nprefix = \"Bearer \"";
const ISOLATED: &str = "execution: { sandbox: { level: isolated } }\n";

/// No form of the value is in a text.
#[track_caller]
fn is_clean(text: &str) {
    for part in ["tok-4f1a", "9b7e", "746f6b2d34", "746F6B2D34", "dG9rLTRmMWE", "ay00ZjFh", "Ay00ZjFh"] {
        assert!(!text.contains(part), "{part} is in {text}");
    }
}

/// A server that repeats the request, and the value in some encodings.
fn echo() -> TlsServer {
    TlsServer::answering(|head| {
        let value =
            head.lines().find_map(|line| line.strip_prefix("authorization: Bearer ")).unwrap_or_default();
        let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
        let body =
            format!("{head} {} {} {hex}", STANDARD.encode(format!("x{value}")), json!({ "token": value }));
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\nx-you: {value}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
    })
}

/// A skill that may get anything of the server, with a secret.
fn skill(server: &TlsServer) -> Skill {
    let skill = Skill::guest("network").limit("fuel", "4_000_000_000");
    skill.network(&server.url("/"), &["GET", "POST"], true).secret("token", &server.host(), BEARER)
}

fn home(server: &TlsServer) -> Home {
    let home = Home::with(&skill(server));
    server.trust(&home);
    set(&home, "network", "token", VALUE);
    home
}

fn set(home: &Home, skill: &str, name: &str, value: &str) -> Value {
    home.run_with_input(["secret", "set", &format!("acme/{skill}"), name], value.as_bytes()).json()
}

fn repeat(home: &Home, more: &Value, server: &TlsServer) -> Ran {
    let mut input = json!({ "url": server.url("/a?b=c") });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    home.call("network/repeat", &input)
}

/// All files below a directory, as one text, but the secrets themselves.
fn files(dir: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("data/secrets") {
            text += &files(&path);
        } else if path.is_file() {
            text += &String::from_utf8_lossy(&fs::read(&path).unwrap());
        }
    }
    text
}

#[test]
fn the_server_gets_the_secret_and_nothing_that_a_call_leaves_has_it() {
    let server = echo();
    let home = home(&server);
    for level in ["", ISOLATED] {
        fs::write(home.data().join("config.yaml"), level).unwrap();
        for more in [json!({}), json!({ "fail": true }), json!({ "crash": true }), json!({ "also": VALUE })] {
            let before = server.heads().len();
            let ran = repeat(&home, &more, &server);
            let heads = server.heads();
            assert_eq!(heads.len(), before + 1, "{ran}");
            assert!(heads[before].contains(&format!("authorization: Bearer {VALUE}\r\n")), "{heads:?}");
            assert!(heads[before].contains("accept-encoding: identity\r\n"), "{heads:?}");
            let told = format!("{}{}", ran.stdout, ran.stderr);
            is_clean(&told);
            assert!(told.contains("[redacted:secret]"), "{told}");
            let plain = home.plain([
                "tool",
                "call",
                "acme/network/repeat",
                &json!({ "url": server.url("/") }).to_string(),
                "--logs",
            ]);
            is_clean(&format!("{}{}", plain.stdout, plain.stderr));
        }
    }
    is_clean(&home.run(["audit"]).success());
    is_clean(&files(&home.data()));
    is_clean(&home.run(["grant", "show"]).success());
    is_clean(&home.run(["secret", "list"]).success());
    is_clean(&home.run(["doctor"]).stdout);
}

/// One call of MCP, of the revision without sessions, that is to be told everything.
fn message(input: &Value) -> Request {
    let body = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {
            "name": "acme__network__repeat", "arguments": input,
            "_meta": {
                "progressToken": 1,
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/logLevel": "debug",
            },
        },
    });
    let body = body.to_string().into_bytes();
    Request { method: "POST".to_owned(), target: "/mcp".to_owned(), body, ..Request::default() }
        .with("content-type", "application/json")
        .with("accept", "application/json, text/event-stream")
        .with("mcp-protocol-version", "2026-07-28")
        .with("mcp-method", "tools/call")
        .with("mcp-name", "acme__network__repeat")
}

#[test]
fn no_surface_of_a_gateway_tells_it() {
    let server = echo();
    let home = home(&server);
    for level in ["", ISOLATED] {
        fs::write(home.data().join("config.yaml"), level).unwrap();
        let mut gateway = Gateway::start_with(&home, &["--dev"]);
        for more in [json!({}), json!({ "fail": true }), json!({ "crash": true }), json!({ "also": VALUE })] {
            let mut input = json!({ "url": server.url("/a?b=c") });
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let request = post("network/repeat", &input).by(gateway.token());
            let answers = [
                gateway.send(&request),
                gateway.send(&request.with("accept", "text/event-stream")),
                gateway.send(&message(&input).by(gateway.token())),
            ];
            for (at, answer) in answers.iter().enumerate() {
                is_clean(&answer.text());
                // Of a crash, which is answered without a word of the skill's, only who follows it sees more.
                let tells = at > 0 || more.get("crash").is_none();
                assert_eq!(answer.text().contains("[redacted:secret]"), tells, "{}", answer.text());
            }
        }
        is_clean(&gateway.get("/metrics").text());
        gateway.signal(Signal::TERM);
        gateway.ended();
        is_clean(&gateway.said());
        is_clean(&gateway.log());
        is_clean(&files(&home.data()));
    }
}

/// A host of each level.
const LEVELS: [fn(&Home, u32) -> Runtime; 2] = [open, open_isolated];

/// Remembers all that it hears.
#[derive(Debug, Default)]
struct Ear(Mutex<String>);

impl Observer for Ear {
    fn logged(&self, line: &LogLine) {
        self.0.lock().unwrap().push_str(&line.message);
    }

    fn progressed(&self, progress: &Progress) {
        self.0.lock().unwrap().push_str(&format!("progress {}", progress.message));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_follows_a_call_does_not_hear_the_secret() {
    let server = echo();
    let home = home(&server);
    for open in LEVELS {
        let runtime = open(&home, 1);
        let ear = Arc::new(Ear::default());
        let mut call = tool_call(&home, "network/repeat", &json!({ "url": server.url("/"), "also": VALUE }));
        call.observer = Some(Arc::<Ear>::clone(&ear));
        let result = runtime.dispatcher().call(call).await.unwrap();
        let heard = ear.0.lock().unwrap().clone();
        assert!(heard.contains("progress"), "{heard}");
        assert!(heard.contains("[redacted:secret]"), "{heard}");
        is_clean(&heard);
        is_clean(result.output.get());
        is_clean(&format!("{:?}", result.report));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_process_does_not_have_the_secret_in_its_memory() {
    let server = echo();
    let home = home(&server);
    let runtime = open_isolated(&home, 1);
    embedded::call(&runtime, &home, "network/repeat", json!({ "url": server.url("/") })).await.unwrap();
    let task = fs::read_dir("/proc/self/task").unwrap().flatten();
    let pids: Vec<u32> = task
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|children| children.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>())
        .filter(|pid| {
            fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.ends_with(b"run-worker\0"))
        })
        .collect();
    assert_eq!(pids.len(), 1, "the worker is kept");
    let found = memory_has(pids[0], VALUE.as_bytes());
    assert_eq!(found, Some(false), "it is to be looked for, and not to be found");
    assert_eq!(
        memory_has(std::process::id(), VALUE.as_bytes()),
        Some(true),
        "this one has it, and it would be found"
    );
}

/// Whether a process has some bytes in its memory; none where that cannot be told.
fn memory_has(pid: u32, wanted: &[u8]) -> Option<bool> {
    use std::os::unix::fs::FileExt;
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let memory = fs::File::open(format!("/proc/{pid}/mem")).ok()?;
    for line in maps.lines().filter(|line| line.contains("rw")) {
        let (start, end) = line.split_whitespace().next()?.split_once('-')?;
        let (start, end) = (u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
        // Page by page, with what is left of the one before: much of a guest's memory was never touched.
        let mut before = Vec::new();
        for at in (start..end).step_by(1 << 16) {
            let mut piece = vec![0; usize::try_from((end - at).min(1 << 16)).ok()?];
            let Ok(read) = memory.read_at(&mut piece, at) else { continue };
            before.extend_from_slice(&piece[..read]);
            if before.windows(wanted.len()).any(|window| window == wanted) {
                return Some(true);
            }
            before.drain(..before.len().saturating_sub(wanted.len()));
        }
    }
    Some(false)
}

#[test]
fn a_request_without_its_secret_is_denied_with_the_command_that_helps() {
    let server = echo();
    let home = Home::new();
    home.install_ungranted(&skill(&server));
    server.trust(&home);
    home.run(["grant", "allow", "acme/network", "network:internal", "GET", &server.url("/")]).json();
    for level in ["", ISOLATED] {
        fs::write(home.data().join("config.yaml"), level).unwrap();
        home.run(["grant", "revoke", "acme/network", "secret", "token", &server.host()]);
        home.run(["secret", "remove", "acme/network", "token"]);
        let denied = repeat(&home, &json!({}), &server);
        denied.was_denied(&format!("not-granted token {}", server.host()));
        let failure = denied.refused("permission-denied");
        assert_eq!(
            failure.hint(),
            format!("openclaw grant allow acme/network secret token {}", server.host())
        );
        home.paste(failure.hint()).json();

        let denied = repeat(&home, &json!({}), &server);
        denied.was_denied("no-value token");
        let failure = denied.refused("permission-denied");
        assert_eq!(failure.hint(), "openclaw secret set acme/network token");
        assert!(server.heads().is_empty(), "{:?}", server.heads());
        set(&home, "network", "other", VALUE);
        repeat(&home, &json!({}), &server).refused("permission-denied");
    }
    set(&home, "network", "token", VALUE);
    assert!(repeat(&home, &json!({}), &server).output()["answer"]["status"] == 200);
    home.run(["grant", "deny", "acme/network", "secret", "token", &server.host()]).json();
    repeat(&home, &json!({}), &server).was_denied("denied-by-owner token");
}

#[test]
fn a_guest_cannot_set_what_the_host_sets() {
    let server = echo();
    let home = home(&server);
    for level in ["", ISOLATED] {
        fs::write(home.data().join("config.yaml"), level).unwrap();
        for name in ["authorization", "Authorization", "AUTHORIZATION"] {
            let ran = repeat(&home, &json!({ "headers": [[name, "Bearer mine"]] }), &server);
            ran.was_denied("forbidden-request token");
        }
    }
    assert!(server.heads().is_empty(), "{:?}", server.heads());
}

#[test]
fn another_host_port_or_scheme_gets_no_secret() {
    let server = echo();
    let other = echo();
    let plain = Server::echoing();
    let home = Home::new();
    let plain_url = format!("http://localhost:{}/", plain.port());
    home.install(&skill(&server).network(&other.url("/"), &["GET"], true).network(
        &plain_url,
        &["GET"],
        true,
    ));
    // Two authorities in one file.
    server.trust(&home);
    let first = fs::read_to_string(home.path("ca.pem")).unwrap();
    let second = Home::new();
    other.trust(&second);
    fs::write(home.path("ca.pem"), first + &fs::read_to_string(second.path("ca.pem")).unwrap()).unwrap();
    set(&home, "network", "token", VALUE);
    for level in ["", ISOLATED] {
        fs::write(home.data().join("config.yaml"), level).unwrap();
        for url in [other.url("/"), plain_url.clone()] {
            let answer = home.call("network/fetch", &json!({ "url": url })).output();
            assert_eq!(answer["status"], 200, "{answer}");
        }
        repeat(&home, &json!({}), &server).output();
    }
    let heads = [other.heads(), plain.heads()].concat();
    assert_eq!((heads.len(), server.heads().len()), (4, 2));
    assert!(!heads.concat().contains("tok-") && !heads.concat().contains("authorization"), "{heads:?}");
}

#[test]
fn a_redirect_takes_it_nowhere() {
    let other = Server::echoing();
    let to = other.url("/");
    let server = TlsServer::answering(move |_| {
        format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n").into_bytes()
    });
    let fetcher = Skill::new("web-fetch", component::rust("web-fetch")).limit("fuel", "10_000_000_000");
    let fetcher = fetcher.limit("memory", "\"128MiB\"").network(&server.url("/"), &["GET"], true);
    let home =
        Home::with(&fetcher.network(&other.url("/"), &["GET"], true).secret("token", &server.host(), BEARER));
    server.trust(&home);
    set(&home, "web-fetch", "token", VALUE);
    for level in ["", ISOLATED] {
        fs::write(home.data().join("config.yaml"), level).unwrap();
        // The guest follows it, which is a request of its own to a host that the secret is not for.
        home.call("web-fetch/fetch", &json!({ "url": server.url("/") })).output();
    }
    assert_eq!((server.heads().len(), other.heads().len()), (2, 2));
    assert!(server.heads()[0].contains(VALUE));
    assert!(!other.heads().concat().contains("authorization"), "{:?}", other.heads());
}

#[test]
fn a_compressed_answer_is_refused() {
    // What it unpacks to is the secret, for all that anybody knows.
    let server = TlsServer::answering(|_| {
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8b\x08\0".to_vec()
    });
    let home = home(&server);
    for level in ["", ISOLATED] {
        fs::write(home.data().join("config.yaml"), level).unwrap();
        let failure = repeat(&home, &json!({}), &server).refused("tool-failed");
        assert!(failure.message.contains("HttpResponseContentCoding"), "{failure:?}");
    }
}

#[test]
fn a_secret_in_the_query_is_in_no_denial_and_no_record() {
    let server = TlsServer::answering(|_| {
        let body = "x".repeat(1 << 16);
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", 64 << 20).into_bytes()
    });
    let place = "query = \"api_key\"";
    let guest = Skill::guest("network").network(&server.url("/"), &["GET"], true).secret(
        "token",
        &server.host(),
        place,
    );
    let home = Home::with(&guest);
    server.trust(&home);
    set(&home, "network", "token", VALUE);
    for level in ["", ISOLATED] {
        fs::write(home.data().join("config.yaml"), level).unwrap();
        let ran = repeat(&home, &json!({}), &server);
        is_clean(&format!("{}{}", ran.stdout, ran.stderr));
        let taken = home.call("network/fetch", &json!({ "url": server.url("/?API_KEY=mine") }));
        taken.was_denied("forbidden-request token");
        assert!(!taken.denials().concat().contains("mine"), "{taken}");
    }
    let encoded = "tok-4f1a%2F%2B%3D%26%229b7e";
    assert_eq!(server.heads().len(), 2);
    for head in server.heads() {
        assert!(head.starts_with(&format!("GET /a?b=c&api_key={encoded} HTTP/1.1\r\n")), "{head}");
    }
    is_clean(&home.run(["audit"]).success());
    is_clean(&files(&home.data()));
}

#[test]
fn one_skill_has_no_secret_of_another() {
    let server = echo();
    let home = home(&server);
    home.install(&skill(&server).named("second"));
    let ran = home.call("second/repeat", &json!({ "url": server.url("/") }));
    ran.was_denied("no-value token");
    assert_eq!(ran.refused("permission-denied").hint(), "openclaw secret set acme/second token");
    assert!(server.heads().is_empty());
}

#[test]
fn a_project_that_bears_the_name_of_a_skill_is_given_no_secret_of_it() {
    let server = echo();
    let home = home(&server);
    let project = home.workspace().join("network");
    skill(&server).write(&project);
    let input = json!({ "url": server.url("/") }).to_string();
    let ran = home.run(["skill", "run", "network", "repeat", &input, "--no-build"]);
    ran.was_denied("no-value token");
    assert!(server.heads().is_empty(), "{:?}", server.heads());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_host_hears_of_a_secret_that_another_process_sets() {
    let server = echo();
    let home = Home::with(&skill(&server));
    server.trust(&home);
    for open in LEVELS {
        let runtime = open(&home, 1);
        let _watcher = runtime.watch().unwrap();
        for value in ["first-value-1", "second-value-2"] {
            set(&home, "network", "token", value);
            let (expected, begun) = (format!("Bearer {value}\r\n"), Instant::now());
            loop {
                let _ = embedded::call(&runtime, &home, "network/repeat", json!({ "url": server.url("/") }))
                    .await;
                if server.heads().last().is_some_and(|head| head.contains(&expected)) {
                    break;
                }
                assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", server.heads());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        home.run(["secret", "remove", "acme/network", "token"]).json();
        let begun = Instant::now();
        while embedded::call(&runtime, &home, "network/repeat", json!({ "url": server.url("/") }))
            .await
            .is_ok()
        {
            assert!(begun.elapsed() < Duration::from_secs(20), "it is used after it was removed");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[test]
fn a_value_that_cannot_be_one_is_refused_and_not_shown() {
    let server = echo();
    let home = Home::with(&skill(&server));
    for (value, words) in [
        ("tok-4f1", "7 bytes"),
        ("", "empty"),
        ("tok-4f1a\r\nx-evil: 1", "printable ASCII"),
        ("tok-4f1a\n\n", "printable ASCII"),
        ("tok-4f1a é 9b7e", "printable ASCII"),
        (" tok-4f1a", "space"),
        ("00000000", "different characters"),
    ] {
        let ran = home.run_with_input(["secret", "set", "acme/network", "token"], value.as_bytes());
        let failure = ran.refused("invalid-secret");
        assert!(failure.message.contains(words), "{value:?}: {failure:?}");
        is_clean(&ran.stderr);
    }
    let long = "abcd".repeat(2000);
    home.run_with_input(["secret", "set", "acme/network", "token"], long.as_bytes())
        .refused("invalid-secret");
    let listed = home.run(["secret", "list"]).json();
    assert_eq!((&listed[0]["kept"], listed.as_array().unwrap().len()), (&Value::Null, 1));
    // A value on the command line would stand in the shell's history.
    let ran = home.run(["secret", "set", "acme/network", "token", VALUE]);
    assert_eq!(ran.code, Some(2), "{ran}");
}

#[test]
fn the_owner_is_told_what_is_of_no_use_and_where_it_is_kept() {
    let server = echo();
    let home = Home::with(&skill(&server));
    let done = set(&home, "network", "token", VALUE);
    assert_eq!(
        (&done["kept"], &done["replaced"], &done["warning"]),
        (&json!("file"), &json!(false), &Value::Null)
    );
    let path = Path::new(done["path"].as_str().unwrap()).to_owned();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(set(&home, "network", "token", VALUE)["replaced"], true);
    let warning = set(&home, "network", "tokne", VALUE)["warning"].to_string();
    assert!(warning.contains("it asks for token"), "{warning}");
    let warning = set(&home, "absent", "token", VALUE)["warning"].to_string();
    assert!(warning.contains("not installed"), "{warning}");
    home.run(["grant", "revoke", "acme/network", "secret", "token", &server.host()]).json();
    let warning = set(&home, "network", "token", VALUE)["warning"].to_string();
    assert!(warning.contains("openclaw grant allow acme/network secret token"), "{warning}");

    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let hint = home.run(["secret", "list"]).refused("secrets-not-private");
    assert!(hint.hint().starts_with("chmod 600"), "{hint:?}");
    let doctor = home.run(["doctor"]);
    assert!(doctor.stdout.contains("others can read the secrets"), "{doctor}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("version = 1", "version = 2")).unwrap();
    home.run(["secret", "list"]).refused("newer-secrets");
}

#[test]
fn a_skill_that_is_purged_takes_its_secrets_along() {
    let server = echo();
    let home = home(&server);
    let removed = home.run(["remove", "acme/network"]).json();
    assert!(removed["kept"].to_string().contains("secrets"), "{removed}");
    home.install(&skill(&server));
    assert_eq!(repeat(&home, &json!({}), &server).output()["answer"]["status"], 200);
    home.run(["remove", "acme/network", "--purge"]).json();
    assert_eq!(home.run(["secret", "list"]).json(), json!([]));
    is_clean(&files(&home.data()));
    home.install(&skill(&server));
    repeat(&home, &json!({}), &server).was_denied("no-value");
}

#[test]
fn an_upgrade_that_moves_a_secret_asks_for_it_anew() {
    let server = echo();
    let home = home(&server);
    let moved = Skill::guest("network").versioned("1.1.0").network(&server.url("/"), &["GET", "POST"], true);
    let archive = home.pack(&moved.secret("token", &server.host(), "query = \"api_key\""));
    let failure = home.run(["install", archive.to_str().unwrap()]).refused("consent-needed");
    assert!(failure.message.contains("query parameter api_key"), "{failure:?}");
    let same = home.pack(&skill(&server).versioned("1.2.0"));
    home.run(["install", same.to_str().unwrap()]).json();
}

#[test]
fn the_example_lists_issues_of_a_private_server() {
    let server = TlsServer::answering(|head| {
        let authorized = head.contains("authorization: Bearer ghp-private-4711\r\n");
        let (status, body) = if !authorized {
            ("401 Unauthorized", json!({ "message": "Bad credentials" }))
        } else if head.starts_with("GET /api/v3/repos/acme/secret/issues?state=open&sort=updated&per_page=2 ")
        {
            let issue = json!({
                "number": 7, "title": "It leaks ghp-private-4711", "state": "open", "user": { "login": "ada" },
                "labels": [{ "name": "bug" }], "comments": 2, "updated_at": "2026-05-01T10:00:00Z",
                "html_url": "https://git.example/acme/secret/issues/7",
            });
            ("200 OK", json!([issue]))
        } else {
            ("404 Not Found", json!({ "message": "Not Found" }))
        };
        let body = body.to_string();
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    });
    let skill = Skill::new("issue-list", component::rust("issue-list")).limit("fuel", "4_000_000_000");
    let skill = skill.network(&server.url("/api/v3/repos/"), &["GET"], true);
    let home = Home::with(&skill.secret("github-token", &server.host(), BEARER));
    server.trust(&home);
    let list = |repository: &str| {
        let input = json!({ "repository": repository, "max_results": 2, "api": server.url("/api/v3/") });
        home.call("issue-list/list", &input)
    };
    let failure = list("acme/secret").refused("permission-denied");
    assert_eq!(failure.hint(), "openclaw secret set acme/issue-list github-token");
    set(&home, "issue-list", "github-token", "ghp-private-4711");
    for level in ["", ISOLATED] {
        fs::write(home.data().join("config.yaml"), level).unwrap();
        let listed = list("acme/secret").output();
        assert_eq!(listed["issues"][0]["title"], "It leaks [redacted:secret]", "{listed}");
        assert_eq!(list("acme/other").refused("tool-failed").message, "GitHub answers 404: Not Found");
    }
    set(&home, "issue-list", "github-token", "ghp-wrong-4711");
    assert_eq!(list("acme/secret").refused("tool-failed").message, "GitHub answers 401: Bad credentials");
}
