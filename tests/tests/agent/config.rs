//! Agents that cannot be as they are configured, and what is said of it.

use openclaw_agent::provider::Format;
use openclaw_agent::provider::scripted::Reply;
use openclaw_tests::{Gateway, Home};
use rustix::process::Signal;
use serde_json::json;

use super::scene::{Model, configure, home, write_key};

fn write(home: &Home, config: &str) {
    std::fs::write(home.data().join("config.yaml"), config).unwrap();
}

#[test]
fn without_a_model_or_its_key_nothing_is_asked_and_the_error_says_what_to_do() {
    let home = Home::empty();
    let none = home.run(["agent", "run", "hello"]).refused("no-model");
    assert!(none.exit == 6 && none.hint().contains("models.yaml"), "{none:?}");
    write(&home, "claw: { model_provider: anthropic, model: some }\n");
    let no_key = home.run(["agent", "run", "hello"]).refused("no-model-key");
    assert!(no_key.exit == 6 && no_key.message.contains("ANTHROPIC_API_KEY"), "{no_key:?}");
    assert!(no_key.hint().contains(".env"), "{no_key:?}");
}

#[test]
fn what_is_wrong_with_an_agent_is_told_by_its_name() {
    let (home, model) = (home(), Model::replying(Format::OpenAi, Vec::new()));
    model.serve(&home);
    let unknown = home.run(["agent", "run", "hello", "--agent", "codr"]).refused("unknown-agent");
    assert!(unknown.exit == 4 && unknown.message.contains("there are coder"), "{unknown:?}");
    write(&home, "agents: [{ id: coder, model: scriptd, workspace: /tmp }]\n");
    let wrong = home.run(["agent", "run", "hello"]).refused("invalid-config");
    assert!(
        wrong.message.contains("the agent coder: there is no model or route scriptd; did you mean scripted?"),
        "{wrong:?}"
    );
    write(&home, "agents: [{ id: coder, model: scripted, workspace: / }]\n");
    let wide = home.run(["agent", "run", "hello"]).refused("invalid-workspace");
    assert!(wide.exit == 3 && wide.message.contains("the agent coder: / cannot be a workspace"), "{wide:?}");
    write(&home, "agents: [{ id: coder, model: scripted, workspace: '~' }]\n");
    home.run(["agent", "run", "hello"]).refused("invalid-workspace");
    write(
        &home,
        "agents: [{ id: a, model: scripted, workspace: /tmp }, { id: b, model: scripted, workspace: /tmp }]\n",
    );
    let several = home.run(["agent", "run", "hello"]).refused("usage");
    assert!(several.message.contains("a, b"), "{several:?}");
    write(&home, "agents:\n  - { id: coder, modle: scripted, workspace: /tmp }\n");
    let key = home.run(["agent", "run", "hello"]).refused("invalid-config");
    assert!(key.message.contains("config.yaml:2:") && key.message.contains("did you mean model?"), "{key:?}");
    assert!(model.asked().is_empty());
}

#[test]
fn claw_alone_makes_an_agent_that_may_call_all_that_is_installed() {
    let home = home();
    let model = Model::replying(Format::Ollama, vec![Reply::text("Hello.")]);
    std::fs::write(home.data().join("models.yaml"), model.yaml()).unwrap();
    write(&home, "claw: { name: assistant, model_provider: ollama, model: scripted }\n");
    let document = home.run(["agent", "run", "hello"]).json();
    assert_eq!((&document["agent"], &document["text"]), (&json!("assistant"), &json!("Hello.")));
    assert!(model.asked()[0].to_string().contains("acme__compute__sleep"));
    let listed = home.run(["agent", "list"]).json();
    assert_eq!(
        listed[0],
        json!({ "agent": "assistant", "model": "scripted", "skills": ["*"], "workspace": null })
    );
}

#[test]
fn an_agent_sees_the_skills_that_are_named_for_it_and_no_others() {
    let home = home();
    let model = Model::replying(
        Format::OpenAi,
        vec![super::scene::call("acme__compute__sleep", "{}"), Reply::text("No.")],
    );
    model.serve(&home);
    let workspace = home.workspace();
    write(
        &home,
        &format!("agents: [{{ id: coder, model: scripted, workspace: {} }}]\n", workspace.display()),
    );
    let document = home.run(["agent", "run", "sleep"]).json();
    assert_eq!(document["steps"][0]["outcome"], "unknown-tool", "{document}");
    assert!(!model.asked()[0]["tools"].to_string().contains("acme__"), "{}", model.asked()[0]);
}

#[test]
fn a_gateway_takes_agents_of_a_new_configuration_and_keeps_the_old_where_it_is_wrong() {
    let (home, model) = (home(), Model::replying(Format::OpenAi, Vec::new()));
    model.serve(&home);
    let gateway = Gateway::start(&home);
    let reloads = |words: &str| gateway.log().matches(words).count();
    write(&home, "agents: [{ id: coder, model: nobody, workspace: /tmp }]\n");
    gateway.signal(Signal::HUP);
    gateway.wait_until("it is refused", || reloads("no model or route nobody") == 1);
    configure(&home, "");
    write_key(&home);
    gateway.signal(Signal::HUP);
    gateway.wait_until("it is taken", || reloads("the configuration was reloaded") == 1);
}

#[test]
fn a_gateway_does_not_start_with_an_agent_that_cannot_be_and_does_without_a_key() {
    let (home, model) = (home(), Model::replying(Format::OpenAi, Vec::new()));
    model.serve(&home);
    write(&home, "agents: [{ id: coder, model: scripted, workspace: /nowhere/at/all }]\n");
    let Err(said) = Gateway::try_start(&home, &[]) else { panic!("it starts") };
    assert!(said.contains("the agent coder: the workspace /nowhere/at/all"), "{said}");
    configure(&home, "");
    std::fs::remove_file(home.data().join(".env")).unwrap();
    let gateway = Gateway::start(&home);
    gateway.wait_until("it says so", || gateway.log().contains("SCRIPTED_KEY"));
}
