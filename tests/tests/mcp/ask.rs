//! What a skill asks, by elicitation: the person behind the client answers, and nobody where there is no session.

use openclaw_tests::clients::Revision;
use openclaw_tests::{Home, Skill};
use serde_json::{Value, json};

use crate::serving::Setting;
use crate::with_every_client;

with_every_client!(
    stdio: [a_person_answers_a_skill, who_declines_answers_nothing, who_cannot_show_a_form_is_nobody],
    http: [a_person_answers_a_skill],
);

fn home() -> Home {
    Home::with(&Skill::guest("ask").ask())
}

/// A call that asks, and the same with choices, by a client whose person does this with each form.
fn script(answer: Option<Value>) -> Value {
    let put = |arguments: Value| json!({ "do": "call", "name": "acme__ask__put", "arguments": arguments });
    let steps = json!([
        put(json!({ "text": "Which?\n\u{202e}" })),
        put(json!({ "text": "Which?", "choices": ["red", "blue"] }))
    ]);
    let mut script = json!({ "steps": steps });
    if let Some(answer) = answer {
        script["elicitation"] = answer;
    }
    script
}

fn results(heard: &Value) -> [&Value; 2] {
    [0, 1].map(|at| &heard["results"][at]["structuredContent"])
}

/// What a call comes to that nobody was asked for.
fn nobody() -> Value {
    json!({ "error": "nobody" })
}

fn a_person_answers_a_skill(setting: &Setting) {
    let home = home();
    let green = json!({ "action": "accept", "content": { "answer": "green" } });
    let heard = setting.drive(&home, script(Some(green)));
    if setting.revision == Revision::Stateless {
        assert_eq!(results(&heard), [&nobody(), &nobody()], "{heard}");
        assert!(heard["forms"].as_array().unwrap().is_empty(), "{heard}");
        return;
    }
    let none_of_them = json!({ "error": "dismissed" });
    assert_eq!(results(&heard), [&json!({ "answer": "green" }), &none_of_them], "{heard}");
    let message = heard["forms"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("The skill acme/ask asks") && message.contains("\\u{202e}"), "{message}");
    let choices = &heard["forms"][1]["schema"]["properties"]["answer"]["enum"];
    assert_eq!(choices, &json!(["red", "blue"]), "{heard}");
    let blue = json!({ "action": "accept", "content": { "answer": "blue" } });
    let heard = setting.drive(&home, script(Some(blue)));
    assert_eq!(results(&heard)[1], &json!({ "answer": "blue" }), "{heard}");
}

fn who_declines_answers_nothing(setting: &Setting) {
    let expected = match setting.revision {
        Revision::Sessions => json!({ "error": "dismissed" }),
        Revision::Stateless => nobody(),
    };
    let home = home();
    for answer in [json!({ "action": "decline" }), json!({ "action": "cancel" })] {
        let heard = setting.drive(&home, script(Some(answer)));
        assert_eq!(results(&heard), [&expected, &expected], "{heard}");
    }
}

fn who_cannot_show_a_form_is_nobody(setting: &Setting) {
    let heard = setting.drive(&home(), script(None));
    assert_eq!(results(&heard), [&nobody(), &nobody()], "{heard}");
}
