//! Grants by elicitation: a person behind the client is asked, and the answer holds.

use openclaw_tests::{Home, Skill};
use serde_json::{Value, json};

use crate::serving::Setting;
use crate::with_every_client;

with_every_client!(
    stdio: [
        a_yes_grants_what_was_ticked_and_is_remembered,
        a_no_grants_nothing_and_is_not_asked_again,
        who_cannot_be_asked_is_denied,
        a_strict_owner_asks_nobody,
    ],
    http: [
        a_yes_grants_what_was_ticked_and_is_remembered,
        a_no_grants_nothing_and_is_not_asked_again,
        who_may_not_grant_is_not_asked,
    ],
);

/// A home whose skill may not yet read its workspace, nor keep a memory.
pub fn home(level: &str) -> Home {
    let home = Home::new();
    home.install_ungranted(&Skill::guest("files").tree("$workspace", "read").memory());
    std::fs::write(home.data().join("config.yaml"), format!("skills:\n  security_level: {level}\n")).unwrap();
    std::fs::write(home.workspace().join("x"), "there").unwrap();
    home
}

fn script(answer: Option<Value>) -> Value {
    let read = json!({ "do": "call", "name": "acme__files__read", "arguments": { "path": "/workspace/x" } });
    let mut script = json!({ "steps": [read.clone(), read] });
    if let Some(answer) = answer {
        script["elicitation"] = answer;
    }
    script
}

pub fn allowed(home: &Home) -> String {
    let shown = home.run(["grant", "show", "acme/files"]).json();
    let document = if shown.is_array() { &shown[0] } else { &shown };
    document["allow"].to_string()
}

fn a_yes_grants_what_was_ticked_and_is_remembered(setting: &Setting) {
    let home = home("moderate");
    let yes = json!({ "action": "accept", "content": { "grant-1": true, "grant-2": false } });
    let heard = setting.drive(&home, script(Some(yes)));
    let forms = heard["forms"].as_array().unwrap();
    assert_eq!(forms.len(), 1, "asked once, for what the second call lacks was refused: {heard}");
    let message = forms[0]["message"].as_str().unwrap();
    assert!(message.contains("acme/files") && message.contains("filesystem:read $workspace"), "{message}");
    assert!(message.contains("memory") && message.contains("tests"), "{message}");
    let schema = &forms[0]["schema"]["properties"];
    assert_eq!(
        (&schema["grant-1"]["type"], &schema["grant-2"]["type"]),
        (&json!("boolean"), &json!("boolean"))
    );
    for result in heard["results"].as_array().unwrap() {
        assert_eq!(result["structuredContent"]["text"], "there", "{heard}");
    }
    let allowed = allowed(&home);
    assert!(allowed.contains("filesystem:read") && !allowed.contains("memory"), "{allowed}");
}

fn a_no_grants_nothing_and_is_not_asked_again(setting: &Setting) {
    for answer in [json!({ "action": "decline" }), json!({ "action": "cancel" })] {
        let home = home("moderate");
        let heard = setting.drive(&home, script(Some(answer)));
        assert_eq!(heard["forms"].as_array().unwrap().len(), 1, "{heard}");
        for result in heard["results"].as_array().unwrap() {
            assert!(
                result["content"][0]["text"].as_str().unwrap().starts_with("permission-denied"),
                "{heard}"
            );
        }
        assert_eq!(allowed(&home), "[]");
    }
}

fn who_cannot_be_asked_is_denied(setting: &Setting) {
    let home = home("moderate");
    let heard = setting.drive(&home, script(None));
    let words = heard["results"][0]["content"][0]["text"].as_str().unwrap();
    assert!(words.contains("openclaw grant allow acme/files filesystem:read '$workspace'"), "{words}");
    assert_eq!(allowed(&home), "[]");
}

fn a_strict_owner_asks_nobody(setting: &Setting) {
    let home = home("strict");
    let yes = json!({ "action": "accept", "content": { "grant-1": true } });
    let heard = setting.drive(&home, script(Some(yes)));
    assert!(heard["forms"].as_array().unwrap().is_empty(), "{heard}");
    assert_eq!(heard["results"][0]["isError"], true);
    assert_eq!(allowed(&home), "[]");
}

fn who_may_not_grant_is_not_asked(setting: &Setting) {
    let home = home("moderate");
    let yes = json!({ "action": "accept", "content": { "grant-1": true, "grant-2": true } });
    let mut script = script(Some(yes));
    script["token"] = json!("eve");
    let heard = setting.drive(&home, script);
    assert!(heard["forms"].as_array().unwrap().is_empty(), "{heard}");
    assert_eq!(heard["results"][0]["isError"], true);
    assert_eq!(allowed(&home), "[]");
}
