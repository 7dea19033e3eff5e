//! The documents of `--json`, each as a snapshot; `docs/cli-json.md` explains them.
//!
//! What differs from run to run or from machine to machine is redacted: digests, keys, times, paths, sizes of
//! components and fuel. To accept a change: `INSTA_UPDATE=always cargo nextest run -p openclaw-tests --test cli_json`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail so"
)]

use std::path::PathBuf;

use openclaw_tests::gateway::Gateway;
use openclaw_tests::registry::Registry;
use openclaw_tests::{Home, Skill, component, home};
use serde_json::{Value, json};

/// What is redacted, by pattern.
const FILTERS: [(&str, &str); 10] = [
    ("sha256:[0-9a-f]{64}", "sha256:[digest]"),
    ("ed25519:[A-Za-z0-9+/]{43}=", "ed25519:[key]"),
    // Which ones a component imports is for the toolchain to say that built it.
    (r#""imports": \[[^\]]*\]"#, r#""imports": ["[interfaces]"]"#),
    (r#""(time|next|published|created|expires|list_issued)": "[^"]+""#, r#""$1": "[time]""#),
    ("ocg_[0-9a-f]{64}", "ocg_[token]"),
    (
        r#""(uptime|memory_usage_mb|resident_memory_bytes|total_requests|avg_response_time_ms|connections)": [\d.]+"#,
        r#""$1": "[number]""#,
    ),
    ("openclaw-[0-9a-f]{16}", "openclaw-[origin]"),
    (r"127\.\d+\.\d+\.\d+:\d+", "127.0.0.1:[port]"),
    (r#""/[a-z/]*/(cat|sh)""#, r#""[bin]/$1""#),
    (
        r#""(fuel|duration_us|memory_bytes|cpu_ms|build_ms|check_ms|files_read|bytes|size|duration_ms)": \d+"#,
        r#""$1": "[number]""#,
    ),
];

/// Holds a document against its snapshot.
macro_rules! shows {
    ($home:expr, $name:literal, $document:expr) => {{
        let root = $home.root().display().to_string();
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.add_filter(&root.replace('.', r"\."), "[home]");
        for (pattern, with) in FILTERS {
            settings.add_filter(pattern, with);
        }
        settings.bind(|| insta::assert_snapshot!($name, $document.trim_end()));
    }};
}

/// The search skill of the examples, which asks for the workspace, under our own name; with two more permissions
/// that it does not use.
fn search() -> Skill {
    Skill::new("search", component::rust("file-search"))
        .tree("$workspace", "read")
        .network("https://api.example.com/v1", &["GET"], false)
        .memory()
        .limit("fuel", "2_000_000_000")
        .limit("timeout", "\"20s\"")
}

/// A skill that runs a program, and asks to be called by itself.
fn programs() -> Skill {
    let cron = "\n[[trigger]]\ntype = \"cron\"\nschedule = \"0 9 1 1 *\"\ntimezone = \"Europe/Berlin\"\ntool = \"run\"\n";
    let command = "\n[[trigger]]\ntype = \"command\"\npattern = \"run( .*)?\"\ntool = \"run\"\n";
    Skill::guest("process")
        .tree("$workspace", "write")
        .program("cat", r#"[["--", { path = "$workspace" }]]"#, "helpers = [\"sh\"]")
        .manifest_text(cron)
        .manifest_text(command)
}

/// A home in which the skill is a project in the workspace.
fn with_project(skill: &Skill) -> (Home, PathBuf) {
    let home = Home::new();
    let project = home.workspace().join(skill.name());
    skill.write(&project);
    (home, project)
}

/// A home with the skill installed, and a file to be found in its workspace.
fn with_installed() -> Home {
    let home = Home::with(&search());
    std::fs::write(home.workspace().join("a.txt"), "one\ntwo needles\nthree\n").unwrap();
    home
}

#[test]
fn agents() {
    use openclaw_agent::model::{Answer, ModelCall, Usage};
    use openclaw_agent::provider::Format;
    use openclaw_agent::provider::scripted::{Reply, ScriptedServer};

    let home = with_installed();
    let usage = Usage { input: 900, cached: 100, output: 40 };
    let arguments = r#"{"pattern":"needles"}"#.to_owned();
    let call = ModelCall { id: "1".to_owned(), tool: "acme__search__search".to_owned(), arguments };
    let replies = [
        Answer { calls: vec![call], usage, ..Answer::default() },
        Answer { text: "They are in a.txt.".to_owned(), usage, ..Answer::default() },
    ];
    let threads = tokio::runtime::Runtime::new().unwrap();
    let replies = replies.into_iter().map(Reply::answer).collect();
    let model = threads.block_on(ScriptedServer::start(Format::Anthropic, replies)).unwrap();
    let models = format!(
        "providers:\n  here: {{ format: anthropic, url: '{}' }}\nmodels:\n  \
         claude: {{ provider: here, model: claude-sonnet-4-5, cost: {{ input: 3.0, output: 15.0 }} }}\n",
        model.url()
    );
    std::fs::write(home.data().join("models.yaml"), models).unwrap();
    let config = format!(
        "agents:\n  - {{ id: coder, model: claude, skills: [acme/search], workspace: {} }}\n",
        home.workspace().display()
    );
    std::fs::write(home.data().join("config.yaml"), config).unwrap();
    shows!(home, "agent-list", home.run(["agent", "list"]).success());
    let run =
        ["agent", "run", "where are the needles?", "--conversation", "needles", "--approve", "acme/search"];
    shows!(home, "agent-run", home.run(run).success());
    drop(model);
}

#[test]
fn keys() {
    let home = Home::empty();
    shows!(home, "key-new", home.run(["key", "new", "acme"]).success());
    shows!(home, "key-show", home.run(["key", "show", "acme"]).success());
    let key = home.public_key();
    shows!(home, "trust-add", home.run(["trust", "add", "acme", &key]).success());
    shows!(home, "trust-list", home.run(["trust", "list"]).success());
    shows!(home, "trust-remove", home.run(["trust", "remove", "acme"]).success());
    shows!(home, "error", home.run(["key", "new", "acme"]).stderr);
    shows!(home, "error-usage", home.run(["key", "make"]).stderr);
}

#[test]
fn a_gateway() {
    let home = with_installed();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    std::fs::write(home.data().join("config.yaml"), format!("gateway: {{ port: {port} }}\n")).unwrap();
    let gateway = Gateway::start_with(&home, &["--listen", &format!("127.0.0.1:{port}")]);
    shows!(home, "gateway", gateway.started().to_string());
    shows!(home, "gateway-status", home.run(["gateway", "--status"]).success());
    shows!(home, "metrics", home.run(["metrics"]).success());
    shows!(home, "gateway-install", home.run(["gateway", "--install"]).success());
    let create = ["gateway", "token", "create", "ci", "--tool", "acme/search/search", "--expires", "30d"];
    shows!(home, "gateway-token-create", home.run(create).success());
    shows!(home, "gateway-token-list", home.run(["gateway", "token", "list"]).success());
    shows!(home, "gateway-token-revoke", home.run(["gateway", "token", "revoke", "ci"]).success());
}

#[test]
fn a_project() {
    let (home, _) = with_project(&search());
    std::fs::write(home.workspace().join("a.txt"), "two needles\n").unwrap();
    shows!(home, "skill-new", home.run(["skill", "new", "hello"]).success());
    shows!(home, "skill-build", home.run(["skill", "build", "search"]).success());
    shows!(home, "skill-test", home.run(["skill", "test", "search"]).success());
    let input = json!({ "pattern": "needles", "path": "a.txt" }).to_string();
    shows!(home, "skill-run", home.run(["skill", "run", "search", "search", &input]).success());
    shows!(home, "skill-inspect", home.run(["skill", "inspect", "search"]).success());
    shows!(
        home,
        "skill-inspect-component",
        home.run(["skill", "inspect", "search/openclaw/skill.wasm"]).success()
    );
    let wit = home.run(["skill", "inspect", "search/openclaw/skill.wasm", "--wit"]).json();
    assert!(wit["wit"].as_str().is_some_and(|wit| wit.starts_with("package root:component;")), "{wit}");
    assert_eq!(keys_of(&wit), ["wit"]);
}

#[test]
fn a_package() {
    let (home, _) = with_project(&search());
    let unsigned = ["skill", "pack", "search", "--output", "dist/search.tar.gz", "--unsigned"];
    shows!(home, "skill-pack-unsigned", home.run(unsigned).success());
    shows!(home, "skill-sign", home.run(["skill", "sign", "dist/search.tar.gz"]).success());
    shows!(home, "skill-pack", home.run(&unsigned[..5]).success());
    shows!(home, "skill-inspect-package", home.run(["skill", "inspect", "dist/search.tar.gz"]).success());
    shows!(home, "error-consent", home.run(["install", "dist/search.tar.gz"]).stderr);
    shows!(home, "install", home.run(["install", "dist/search.tar.gz", "--yes"]).success());
    shows!(home, "skill-inspect-installed", home.run(["skill", "inspect", "acme/search"]).success());
    std::fs::write(home.data().join("policy.toml"), "[ceilings]\nmemory = \"32MiB\"\n").unwrap();
    let newer = home.pack(&search().versioned("1.1.0"));
    shows!(home, "install-upgrade", home.install_archive(&newer).success());
}

#[test]
fn secrets() {
    let place = "header = \"authorization\"\nprefix = \"Bearer \"";
    let guest = Skill::tiny("issues").network("https://api.github.com/repos/", &["GET"], false);
    let home = Home::new();
    home.install_ungranted(&guest.secret("github-token", "api.github.com", place));
    let set = || home.run_with_input(["secret", "set", "acme/issues", "github-token"], b"ghp-4711-0815\n");
    shows!(home, "secret-set", set().success());
    home.run(["grant", "allow", "acme/issues", "secret", "github-token", "api.github.com"]).json();
    shows!(home, "secret-list", home.run(["secret", "list"]).success());
    let remove = ["secret", "remove", "acme/issues", "github-token"];
    shows!(home, "secret-remove", home.run(remove).success());
    shows!(home, "error-no-secret", home.run(remove).stderr);
}

#[test]
fn a_registry() {
    let registry = Registry::start();
    let home = Home::publisher_at(&registry);
    shows!(home, "registry-list", home.run(["registry", "list"]).success());
    shows!(home, "registry-whoami", home.run(["registry", "whoami"]).success());
    let archive = home.pack(&search());
    let publish = ["registry", "publish", archive.to_str().unwrap(), "--category", "developer-tools"];
    shows!(home, "registry-publish", home.run(publish).success());
    shows!(home, "registry-search", home.run(["registry", "search", "search"]).success());
    shows!(home, "registry-categories", home.run(["registry", "search", "--categories"]).success());
    shows!(home, "registry-info", home.run(["registry", "info", "acme/search"]).success());
    shows!(home, "registry-install", home.run(["registry", "install", "acme/search@^1", "--yes"]).success());
    home.publish(&search().versioned("1.1.0").llm(1000));
    shows!(home, "registry-update-dry-run", home.run(["registry", "update", "--dry-run"]).success());
    shows!(home, "error-update-consent", home.run(["registry", "update"]).stderr);
    shows!(home, "registry-update", home.run(["registry", "update", "--yes"]).success());
    shows!(home, "registry-verify", home.run(["registry", "verify"]).success());
    shows!(home, "registry-yank", home.run(["registry", "yank", "acme/search@1.1.0"]).success());
    shows!(home, "registry-audit", home.run(["registry", "audit", "--whole-log"]).success());
    shows!(home, "key-rotate", home.run(["key", "rotate", "acme"]).success());
    shows!(home, "registry-logout", home.run(["registry", "logout"]).success());
    let token = Some(registry.token_of("acme"));
    shows!(home, "registry-login", home.login(&registry.url(), &registry, token.as_deref()).success());
}

#[test]
fn what_runs_programs() {
    let home = Home::with(&programs());
    std::fs::write(home.workspace().join("a.txt"), "hello").unwrap();
    let input = json!({ "program": "cat", "args": ["--", "a.txt"] });
    shows!(home, "tool-call-programs", home.call("process/run", &input).success());
    shows!(home, "skill-inspect-programs", home.run(["skill", "inspect", "acme/process"]).success());
    shows!(home, "grant-pin", home.run(["grant", "pin", "cat"]).success());
    shows!(home, "trigger-list", home.run(["trigger", "list"]).success());
    shows!(home, "trigger-pause", home.run(["trigger", "pause", "acme/process"]).success());
    shows!(home, "trigger-list-paused", home.run(["trigger", "list"]).success());
    shows!(home, "error-skill-paused", home.run(["trigger", "resume", "acme/process/run"]).stderr);
    shows!(home, "trigger-resume", home.run(["trigger", "resume", "acme/process"]).success());
    let dir = home.workspace().display().to_string();
    let workspace = ["trigger", "workspace", "acme/process/run", &dir];
    shows!(home, "trigger-workspace", home.run(workspace).success());
    shows!(home, "error-no-such-trigger", home.run(["trigger", "pause", "acme/process/walk"]).stderr);
}

#[test]
fn what_is_installed() {
    let home = with_installed();
    shows!(home, "list", home.run(["list"]).success());
    shows!(home, "tool-list", home.run(["tool", "list"]).success());
    let workspace = home.workspace().display().to_string();
    let registration = home.run(["mcp", "config", "--workspace", &workspace]).success();
    let places = [home::binary().display().to_string(), home.cache().display().to_string()];
    let shown = places
        .iter()
        .zip(["[openclaw]", "[cache]"])
        .fold(registration, |text, (place, with)| text.replace(place, with));
    shows!(home, "mcp-config", shown);
    shows!(home, "grant-show-granted", home.run(["grant", "show"]).success());
    let input = json!({ "pattern": "needles" });
    shows!(home, "tool-call", home.call("search/search", &input).success());

    let tree = ["acme/search", "filesystem:read", "$workspace"];
    let grant = |action: &str| home.run(["grant", action].into_iter().chain(tree)).success();
    shows!(home, "grant-revoke", grant("revoke"));
    shows!(home, "error-denied", home.call("search/search", &input).stderr);
    shows!(home, "grant-deny", grant("deny"));
    shows!(home, "grant-show", home.run(["grant", "show", "acme/search"]).success());
    shows!(home, "grant-allow", grant("allow"));
    let unasked = ["grant", "allow", "acme/search", "network", "POST", "https://other.example/"];
    shows!(home, "grant-allow-unasked", home.run(unasked).success());

    shows!(home, "error-input", home.call("search/search", &json!({ "pattern": 3 })).stderr);
    shows!(home, "error-unknown-tool", home.call("search/serch", &json!({})).stderr);
    shows!(home, "audit", home.run(["audit", "--last", "4"]).success());
    shows!(home, "audit-head", home.run(["audit", "head"]).success());
    shows!(home, "audit-verify", home.run(["audit", "verify"]).success());
    let log = home.data().join("audit.ndjson");
    let lines = std::fs::read_to_string(&log).unwrap();
    std::fs::write(&log, lines.replacen("\"requests\":0", "\"requests\":1", 1)).unwrap();
    shows!(home, "audit-verify-edited", home.run(["audit", "verify"]).stdout);
}

#[test]
fn what_is_refused_and_removed() {
    let home = with_installed();
    home.run(["trust", "remove", "acme"]).json();
    shows!(home, "list-refused", home.run(["list"]).success());
    home.trust(&home.public_key());
    shows!(home, "remove", home.run(["remove", "acme/search"]).success());
    home.install(&search());
    shows!(home, "remove-purge", home.run(["remove", "acme/search", "--purge"]).success());
}

/// What the doctor finds is the machine's own; which checks there are, and of what they consist, is ours.
#[test]
fn doctor() {
    let home = with_installed();
    let mut document = home.run(["doctor"]).json_or_error();
    for check in document["checks"].as_array_mut().expect("a list of checks") {
        let status = check["status"].as_str().expect("a status").to_owned();
        assert!(["ok", "warn", "fail"].contains(&status.as_str()), "{check}");
        assert_eq!(check["mend"].is_null(), status == "ok", "{check}");
        assert!(check["detail"].is_string(), "{check}");
        check["status"] = "[status]".into();
        check["detail"] = "[detail]".into();
        check["mend"] = "[mend]".into();
    }
    document["ok"] = "[ok]".into();
    shows!(home, "doctor", serde_json::to_string_pretty(&document).unwrap());
}

fn keys_of(document: &Value) -> Vec<&str> {
    document.as_object().expect("an object").keys().map(String::as_str).collect()
}
