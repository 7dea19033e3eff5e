//! Every feature, driven by the Python and the TypeScript client, in both revisions of the protocol.

use openclaw_tests::clients::{Revision, owner};
use openclaw_tests::{Home, Skill, component};
use serde_json::{Value, json};

use crate::serving::Setting;

/// A test for each client and revision, of a server on standard input and output, and of one over HTTP.
#[macro_export]
macro_rules! with_every_client {
    (stdio: $stdio:tt, http: $http:tt $(,)?) => {
        $crate::with_every_client!(@ python_with_sessions, Python, Sessions, Stdio, $stdio);
        $crate::with_every_client!(@ python_without_sessions, Python, Stateless, Stdio, $stdio);
        $crate::with_every_client!(@ node_with_sessions, Node, Sessions, Stdio, $stdio);
        $crate::with_every_client!(@ node_without_sessions, Node, Stateless, Stdio, $stdio);
        $crate::with_every_client!(@ python_with_sessions_over_http, Python, Sessions, Http, $http);
        $crate::with_every_client!(@ python_without_sessions_over_http, Python, Stateless, Http, $http);
        $crate::with_every_client!(@ node_with_sessions_over_http, Node, Sessions, Http, $http);
        $crate::with_every_client!(@ node_without_sessions_over_http, Node, Stateless, Http, $http);
    };
    (@ $module:ident, $program:ident, $revision:ident, $transport:ident, [$($scenario:ident),* $(,)?]) => {
        mod $module {
            use openclaw_tests::clients::{Program, Revision};

            use $crate::serving::{Setting, Transport};

            $(#[test]
            fn $scenario() {
                super::$scenario(&Setting {
                    program: Program::$program,
                    revision: Revision::$revision,
                    transport: Transport::$transport,
                });
            })*
        }
    };
}

with_every_client!(
    stdio: [
        tools_are_listed_and_called,
        failures_are_told_to_the_model,
        progress_and_log_lines_arrive,
        a_call_that_is_given_up_ends,
        changes_are_told,
        documents_are_read,
    ],
    http: [
        tools_are_listed_and_called,
        failures_are_told_to_the_model,
        progress_and_log_lines_arrive,
        a_call_that_is_given_up_ends,
        changes_are_told,
        documents_are_read,
    ],
);

/// The tool of a name in a list of them.
fn tool<'a>(tools: &'a Value, name: &str) -> &'a Value {
    let tools = tools.as_array().expect("a list of tools");
    tools.iter().find(|tool| tool["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

fn call(name: &str, arguments: Value) -> Value {
    json!({ "do": "call", "name": name, "arguments": arguments })
}

fn tools_are_listed_and_called(setting: &Setting) {
    let home = Home::with(&Skill::guest("compute"));
    home.install(&Skill::new("words", component::rust("word-count")));
    home.install(&Skill::tiny("keeper").memory());
    home.install(&Skill::tiny("fetcher").network("https://api.example.com/", &["GET"], false));
    let heard = setting.drive(
        &home,
        json!({
            "steps": [
                { "do": "tools" },
                call("acme__words__count", json!({ "text": "two words" })),
                call("acme__compute__give", json!({ "value": { "a": [1, null] } })),
                call("acme__compute__give", json!({ "value": [1, 2] })),
                call("acme__compute__give", json!({ "value": "Größe \u{202e}" })),
            ],
        }),
    );
    let [tools, count, object, list, text] = heard["results"].as_array().unwrap().as_slice() else {
        panic!()
    };
    let listed = tool(tools, "acme__words__count");
    assert_eq!(listed["title"], "acme/words/count");
    assert!(listed["description"].as_str().unwrap().starts_with("Count"), "{listed}");
    assert_eq!(listed["inputSchema"]["properties"]["text"]["type"], "string");
    assert_eq!(listed["outputSchema"]["type"], "object");
    let hints = |name: &str| {
        let hints = &tool(tools, name)["annotations"];
        (hints["readOnlyHint"].as_bool(), hints["openWorldHint"].as_bool())
    };
    assert_eq!(hints("acme__words__count"), (Some(true), Some(false)));
    assert_eq!(hints("acme__keeper__run"), (Some(false), Some(false)));
    assert_eq!(hints("acme__fetcher__run"), (Some(true), Some(true)));
    assert_eq!(tool(tools, "acme__keeper__run")["annotations"].get("destructiveHint"), None);

    assert_eq!(count["structuredContent"]["words"], 2);
    assert_ne!(count["isError"], true);
    let shown: Value = serde_json::from_str(count["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(shown, count["structuredContent"]);
    assert_eq!(object["structuredContent"], json!({ "a": [1, null] }));
    assert_eq!(list["structuredContent"], json!({ "result": [1, 2] }));
    assert_eq!(list["content"][0]["text"], "[1,2]");
    assert_eq!(text["structuredContent"], json!({ "result": "Größe \u{202e}" }));
    assert_eq!(text["content"][0]["text"], "Größe \\u{202e}", "what is shown hides nothing");
    assert_eq!(home.last_record()["caller"], setting.caller());
}

fn failures_are_told_to_the_model(setting: &Setting) {
    let home =
        Home::with(&Skill::guest("compute").limit("timeout", "\"1s\"").limit("fuel", "50_000_000_000"));
    home.install(&Skill::new("words", component::rust("word-count")));
    home.install_ungranted(&Skill::guest("files").tree("$workspace", "read"));
    let heard = setting.drive(
        &home,
        json!({
            "steps": [
                call("acme__compute__fail-with", json!({ "text": "no\u{1b}[31m luck" })),
                call("acme__words__count", json!({ "text": 7 })),
                call("acme__files__read", json!({ "path": "/workspace/x" })),
                call("acme__compute__panic", json!({})),
                call("acme__compute__spin", json!({})),
                call("acme__compute__no-such", json!({})),
                call("acme__nobody__run", json!({})),
                call("../../etc/passwd", json!({})),
                { "do": "read", "uri": "skill://acme/nobody/SKILL.md" },
            ],
        }),
    );
    let results = heard["results"].as_array().unwrap();
    let words: Vec<&str> = results[..5]
        .iter()
        .map(|result| {
            assert_eq!(result["isError"], true, "{result}");
            result["content"][0]["text"].as_str().unwrap()
        })
        .collect();
    assert_eq!(words[0], "tool-failed: no\\u{1b}[31m luck");
    assert!(words[1].starts_with("invalid-input: ") && words[1].contains("/text"), "{}", words[1]);
    assert!(words[2].starts_with("permission-denied: "), "{}", words[2]);
    assert!(
        words[2].contains("openclaw grant allow acme/files filesystem:read '$workspace'"),
        "{}",
        words[2]
    );
    assert!(words[3].starts_with("trap: the skill crashed"), "{}", words[3]);
    assert!(words[4].starts_with("timeout: "), "{}", words[4]);
    let root = home.root().display().to_string();
    for words in &words {
        assert!(!words.contains(&root) && !words.contains(".rs:"), "{words}");
    }
    for unknown in &results[5..8] {
        assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
        assert!(unknown["error"]["message"].as_str().unwrap().contains("unknown tool"), "{unknown}");
    }
    let code = if setting.revision == Revision::Stateless { -32602 } else { -32002 };
    assert_eq!(results[8]["error"]["code"], code, "{}", results[8]);
}

// With a pause after each: the TypeScript client drops a progress that it reads together with the answer.
fn progress_and_log_lines_arrive(setting: &Setting) {
    let home = Home::with(&Skill::guest("compute"));
    let heard = setting.drive(
        &home,
        json!({
            "steps": [
                { "do": "level", "level": "warning" },
                call("acme__compute__progress", json!({ "steps": 3, "milliseconds": 50 })),
                { "do": "level", "level": "debug" },
                call("acme__compute__progress", json!({ "steps": 1, "milliseconds": 50 })),
                call("acme__compute__spam-stdout", json!({ "lines": 1 })),
                // Over HTTP with a session they come on a stream of their own.
                { "do": "sleep", "seconds": 0.5 },
            ],
        }),
    );
    let steps: Vec<_> =
        heard["progress"].as_array().unwrap().iter().map(|step| step["progress"].as_f64().unwrap()).collect();
    assert_eq!(steps, [1.0, 2.0, 3.0, 1.0], "{heard}");
    assert_eq!(heard["progress"][0]["total"].as_f64(), Some(3.0));
    assert_eq!(heard["progress"][0]["message"], "step 1");
    let logs = heard["logs"].as_array().unwrap();
    assert!(logs.iter().all(|line| line["logger"] == "acme/compute"), "{heard}");
    let lines: Vec<&str> = logs.iter().filter_map(|line| line["data"].as_str()).collect();
    let expected = ["warn 1", "warn 2", "warn 3", "debug 1", "warn 1", "line 0 of a great many"];
    assert_eq!(lines, expected, "{heard}");
    assert_eq!(logs[5]["level"], "info");
    assert_eq!((&logs[0]["level"], &logs[3]["level"]), (&json!("warning"), &json!("debug")));
}

fn a_call_that_is_given_up_ends(setting: &Setting) {
    let home =
        Home::with(&Skill::guest("compute").limit("timeout", "\"60s\"").limit("fuel", "50_000_000_000"));
    for tool in ["spin", "sleep"] {
        let given_up =
            json!({ "do": "call_and_cancel", "name": format!("acme__compute__{tool}"), "after": 0.5 });
        let heard = setting.drive(
            &home,
            json!({
                "steps": [given_up, call("acme__compute__echo", json!({ "text": "on" }))],
            }),
        );
        assert_eq!(heard["results"][0], json!({ "cancelled": true }), "{heard}");
        assert_eq!(heard["results"][1]["structuredContent"]["text"], "on");
        let records = home.run(["audit", "--tool", &format!("acme/compute/{tool}")]).json();
        assert_eq!(records[0]["outcome"], "cancelled", "{records}");
        assert!(records[0]["duration_us"].as_u64() < Some(10_000_000), "{records}");
    }
}

fn changes_are_told(setting: &Setting) {
    let home = Home::with(&Skill::guest("compute"));
    let archive = home.pack(&Skill::tiny("later"));
    let install = owner(&home, &["install", archive.to_str().unwrap(), "--yes"]);
    let heard = setting.drive(
        &home,
        json!({
            "steps": [
                { "do": "tools" },
                install,
                { "do": "await_change", "what": "tools" },
                { "do": "await_change", "what": "resources" },
                { "do": "tools" },
                call("acme__later__run", json!({})),
            ],
        }),
    );
    let results = heard["results"].as_array().unwrap();
    assert_eq!(results[1]["code"], 0, "{heard}");
    let has_later =
        |tools: &Value| tools.as_array().unwrap().iter().any(|tool| tool["name"] == "acme__later__run");
    assert!(!has_later(&results[0]) && has_later(&results[4]), "{heard}");
    assert_eq!(results[5]["structuredContent"], json!({ "ok": true }));
    assert_eq!(heard["changes"].as_array().unwrap().len(), 2, "one of each: {heard}");
}

fn documents_are_read(setting: &Setting) {
    let home = Home::new();
    let skill = Skill::tiny("reader");
    let project = home.path("reader");
    skill.write(&project);
    let files: [(&str, &[u8]); 5] = [
        ("references/how to.md", b"# How\r\nto"),
        ("references/deep/more.txt", "Größe\u{202e}".as_bytes()),
        ("assets/logo.png", b"\x89PNG"),
        ("assets/broken.txt", b"\xff\xfe"),
        ("assets/large.csv", &[b','; (1 << 20) + 1]),
    ];
    for (path, bytes) in files {
        std::fs::create_dir_all(project.join(path).parent().unwrap()).unwrap();
        std::fs::write(project.join(path), bytes).unwrap();
    }
    let archive = home.path("reader.tar.gz");
    home.run(["skill", "pack", project.to_str().unwrap(), "--output", archive.to_str().unwrap()]).json();
    home.install_archive(&archive).json();
    let read = |uri: &str| json!({ "do": "read", "uri": uri });
    let heard = setting.drive(
        &home,
        json!({
            "steps": [
                { "do": "resources" },
                { "do": "templates" },
                read("skill://acme/reader/SKILL.md"),
                read("skill://acme/reader/references/how%20to.md"),
                read("skill://acme/reader/references/deep/more.txt"),
                read("skill://acme/reader/assets/broken.txt"),
                read("skill://acme/reader/references/../SKILL.md"),
                read("skill://acme/reader/references/%2e%2e/openclaw/skill.toml"),
                read("skill://acme/reader/openclaw/skill.toml"),
                read("skill://acme/reader//etc/passwd"),
                read("skill://acme/reader/assets/logo.png"),
                read("file:///etc/passwd"),
            ],
        }),
    );
    let results = heard["results"].as_array().unwrap();
    let uris: Vec<&str> =
        results[0].as_array().unwrap().iter().map(|document| document["uri"].as_str().unwrap()).collect();
    assert_eq!(
        uris,
        [
            "skill://acme/reader/SKILL.md",
            "skill://acme/reader/assets/broken.txt",
            "skill://acme/reader/references/deep/more.txt",
            "skill://acme/reader/references/how%20to.md",
        ],
        "neither what is no text nor what is too large"
    );
    assert_eq!(results[1][0]["uriTemplate"], "skill://{publisher}/{skill}/SKILL.md");
    let text = |result: &Value| result["contents"][0]["text"].as_str().unwrap_or_default().to_owned();
    assert!(text(&results[2]).contains("name: reader"), "{}", results[2]);
    assert_eq!(results[2]["contents"][0]["mimeType"], "text/markdown");
    assert_eq!(text(&results[3]), "# How\nto");
    assert_eq!(text(&results[4]), "Größe\\u{202e}");
    for refused in &results[5..] {
        assert!(refused["error"]["code"].as_i64() < Some(-32000), "{refused}");
    }
}
