//! `openclaw mcp config`: what an agent is told starts a server that answers.

use std::io::Write;
use std::process::{Command, Stdio};

use openclaw_tests::{Home, Skill};
use serde_json::{Value, json};

use crate::wire::initialize;

/// Starts what a document registers, in an environment that holds nothing else, and asks it to open.
fn opens(server: &Value) -> Value {
    let mut command = Command::new(server["command"].as_str().unwrap());
    command.env_clear().current_dir("/");
    command.args(server["args"].as_array().unwrap().iter().map(|argument| argument.as_str().unwrap()));
    for (name, value) in server["env"].as_object().unwrap() {
        command.env(name, value.as_str().unwrap());
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{}", initialize()).unwrap();
    writeln!(stdin, "{}", json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" })).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|line| line["id"] == 1)
        .unwrap()
}

#[test]
fn what_is_printed_starts_a_server_with_this_owners_skills() {
    let home = Home::with(&Skill::tiny("one"));
    home.install(&Skill::tiny("two"));
    let workspace = home.workspace().display().to_string();
    let arguments = ["mcp", "config", "cursor", "--workspace", &workspace, "--skill", "acme/two"];
    let printed: Value = serde_json::from_str(&home.plain(arguments).success()).unwrap();
    let answer = opens(&printed["mcpServers"]["openclaw"]);
    let tools = answer["result"]["tools"].as_array().unwrap();
    assert_eq!(tools.len(), 1, "{answer}");
    assert_eq!(tools[0]["name"], "acme__two__run");
    let document = home.run(["mcp", "config"]).json();
    assert_eq!(document["name"], "openclaw");
    assert_eq!(opens(&document)["result"]["tools"].as_array().unwrap().len(), 2);
}

#[test]
fn each_agent_is_told_in_its_own_way() {
    let home = Home::empty();
    let told = |client: &str| home.plain(["mcp", "config", client]).success();
    assert!(told("claude").starts_with("claude mcp add "), "{}", told("claude"));
    assert!(told("claude").contains(" openclaw -- /"), "{}", told("claude"));
    assert!(told("codex").starts_with("codex mcp add "), "{}", told("codex"));
    assert!(told("vscode").starts_with("code --add-mcp "), "{}", told("vscode"));
    for (client, key) in
        [("claude-desktop", "mcpServers"), ("zed", "context_servers"), ("json", "mcpServers")]
    {
        let document: Value = serde_json::from_str(&told(client)).unwrap();
        assert_eq!(document[key]["openclaw"]["args"], json!(["mcp"]), "{client}");
    }
}
