//! What the configuration says of agents, and that it is so: what they remember, what is cut, what is approved, whose is what.

use openclaw_agent::provider::Format;
use openclaw_agent::provider::scripted::Reply;
use openclaw_tests::{Home, Skill};
use serde_json::{Value, json};

use super::scene::{KEY, Model, call, configure, configure_more, home, outcomes, write_key};

const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ456789";

fn remember(fact: &str) -> Reply {
    call("memory_remember", &json!({ "fact": fact }).to_string())
}

fn note(text: &str) -> Reply {
    call("memory_note", &json!({ "text": text }).to_string())
}

#[test]
fn notes_are_where_the_owner_wants_them_and_what_is_edited_by_hand_is_what_is_known() {
    let home = home();
    let elsewhere = home.path("elsewhere");
    configure_more(&home, &format!("memory: {{ file_memory: {{ path: {} }} }}\n", elsewhere.display()));
    let done = || Reply::text("Done.");
    let replies = vec![
        remember("The person likes tea."),
        done(),
        done(),
        call("memory_search", r#"{"query":"coffee"}"#),
        done(),
    ];
    let model = Model::replying(Format::Anthropic, replies);
    model.serve(&home);
    home.run(["agent", "run", "I like tea"]).json();
    assert!(!home.data().join("memories").exists());
    let file = elsewhere.join("coder/MEMORY.md");
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.contains("The person likes tea."), "{written}");
    home.run(["agent", "run", "what do I like?"]).json();
    std::fs::write(&file, written.replace("The person likes tea.", "The person likes coffee.")).unwrap();
    home.run(["agent", "run", "what do I like?"]).json();
    let asked: Vec<_> = model.asked().iter().map(ToString::to_string).collect();
    assert!(!asked[0].contains("The person likes"), "{}", asked[0]);
    assert!(asked[2].contains("| - The person likes tea."), "{}", asked[2]);
    assert!(asked[3].contains("likes coffee.") && !asked[3].contains("likes tea."), "{}", asked[3]);
    assert_eq!(asked[4].matches("likes coffee.").count(), 2, "it is found by a search too: {}", asked[4]);
}

#[test]
fn summaries_are_asked_for_where_the_owner_wants_them_and_nowhere_else() {
    for (says, summaries) in [("auto_summarize: false, ", 0), ("", 1)] {
        let home = home();
        configure_more(&home, &format!("memory: {{ file_memory: {{ {says}summary_interval: 3 }} }}\n"));
        let mut replies: Vec<_> = (0..3).map(|at| note(&format!("the note number {at}"))).collect();
        replies.extend([Reply::text("Noted."), Reply::text("Three notes, in short.")]);
        let model = Model::replying(Format::OpenAi, replies);
        model.serve(&home);
        home.run(["agent", "run", "note three things"]).json();
        assert_eq!(model.asked().len(), 4 + summaries, "{says}");
        let dir = home.data().join("memories/coder/summaries");
        let count = std::fs::read_dir(dir).map_or(0, Iterator::count);
        assert_eq!(count, summaries, "{says}");
        let log = std::fs::read_dir(home.data().join("memories/coder")).unwrap();
        let logs =
            log.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("20"));
        assert_eq!(logs.count(), 1, "the log stays");
    }
}

#[test]
fn what_is_cut_is_what_the_owner_says_and_the_hosts_own_keys_everywhere() {
    let said = format!("my name is EMP-4711, and these are {TOKEN} and {KEY}");
    let told = |redaction: &str| {
        let home = home();
        configure_more(&home, &format!("redaction: {redaction}\n"));
        let model = Model::replying(
            Format::OpenAi,
            vec![note(&format!("EMP-4711 has {TOKEN} and {KEY}")), Reply::text("Noted.")],
        );
        model.serve(&home);
        home.run(["agent", "run", &said]).json();
        let text = model.asked()[0]["messages"].to_string();
        assert!(!text.contains(KEY) && text.contains("[redacted:secret]"), "{redaction}: {text}");
        let dir = std::fs::read_dir(home.data().join("memories/coder")).unwrap();
        let files =
            dir.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "md"));
        let notes: String = files.map(|path| std::fs::read_to_string(path).unwrap()).collect();
        assert!(!notes.contains(KEY) && notes.contains("[redacted:secret]"), "{redaction}: {notes}");
        (text, notes)
    };
    let holds = |text: &str| (text.contains("EMP-4711"), text.contains(TOKEN));
    let (model, notes) = told("{ patterns: ['EMP-[0-9]+'] }");
    assert_eq!((holds(&model), holds(&notes)), ((false, false), (false, false)), "{model} {notes}");
    assert!(model.contains("[redacted:pattern]") && notes.contains("[redacted:pattern]"), "{model} {notes}");
    let (model, notes) = told("{ model: false, patterns: ['EMP-[0-9]+'] }");
    assert_eq!((holds(&model), holds(&notes)), ((true, true), (false, false)), "{model} {notes}");
    let (model, notes) = told("{ memory: false, patterns: ['EMP-[0-9]+'] }");
    assert_eq!((holds(&model), holds(&notes)), ((false, false), (true, true)), "{model} {notes}");
    let (model, notes) = told("{ logs: false }");
    assert_eq!((holds(&model), holds(&notes)), ((true, false), (true, false)), "{model} {notes}");
}

#[test]
fn what_an_agent_is_approved_beforehand_is_made_and_all_else_waits() {
    let home = Home::with(&Skill::guest("files").tree("$workspace", "write"));
    configure(&home, ", approve: [acme/files/write]");
    let write =
        |tool: &str| call(&format!("acme__files__{tool}"), r#"{"path":"/workspace/note.txt","text":"hi"}"#);
    let model = Model::replying(Format::OpenAi, vec![write("write"), write("remove"), Reply::text("Done.")]);
    model.serve(&home);
    let document = home.run(["agent", "run", "write it, then remove it"]).json();
    let expected = [("acme/files/write", "ok"), ("acme__files__remove", "not-approved")];
    assert_eq!(outcomes(&document), expected, "{document}");
    assert_eq!(std::fs::read_to_string(home.workspace().join("note.txt")).unwrap(), "hi");
}

#[test]
fn two_agents_have_their_own_skills_workspaces_notes_and_conversations() {
    let home = Home::new();
    for name in ["left", "right"] {
        home.install(&Skill::guest("files").named(name).tree("$workspace", "read"));
        std::fs::create_dir(home.path(name)).unwrap();
        std::fs::write(home.path(name).join("note.txt"), format!("this lies on the {name}")).unwrap();
        let dir = home.path(name).display().to_string();
        let id = format!("acme/{name}");
        home.run(["grant", "allow", &id, "filesystem:read", "$workspace", "--workspace", &dir]).json();
    }
    let agent = |name: &str| {
        let dir = home.path(name);
        let dir = dir.display();
        format!(
            "  - {{ id: {name}, model: scripted, soul: You are {name}., skills: [acme/{name}], workspace: {dir} }}\n"
        )
    };
    let text = format!("agents:\n{}{}", agent("left"), agent("right"));
    std::fs::write(home.data().join("config.yaml"), text).unwrap();
    write_key(&home);
    for (name, other) in [("left", "right"), ("right", "left")] {
        let read = |skill: &str| call(&format!("acme__{skill}__read"), r#"{"path":"/workspace/note.txt"}"#);
        let replies = vec![
            read(name),
            read(other),
            remember(&format!("I am on the {name} side.")),
            Reply::text("Read."),
            Reply::text("Again."),
        ];
        let model = Model::replying(Format::OpenAi, replies);
        model.serve(&home);
        let say =
            |text: &str| home.run(["agent", "run", text, "--agent", name, "--conversation", "c"]).json();
        let document = say(&format!("read it, {name}"));
        let (own, others) = (format!("acme/{name}/read"), format!("acme__{other}__read"));
        let expected = [(own.as_str(), "ok"), (others.as_str(), "unknown-tool"), ("memory_remember", "ok")];
        assert_eq!(outcomes(&document), expected, "{document}");
        say("and again");
        let asked = model.asked();
        let last = asked[4].to_string();
        assert!(
            last.contains(&format!("You are {name}.")) && last.contains(&format!("read it, {name}")),
            "{last}"
        );
        assert!(last.contains(&format!("this lies on the {name}")), "{last}");
        assert!(last.contains(&format!("I am on the {name} side.")), "{last}");
        for asked in &asked {
            let text = asked.to_string();
            let foreign = [
                format!("this lies on the {other}"),
                format!("I am on the {other} side."),
                format!("read it, {other}"),
                format!("You are {other}."),
            ];
            assert!(foreign.iter().all(|words| !text.contains(words)), "{name}: {text}");
            let offered: &Value = &asked["tools"];
            assert!(!offered.to_string().contains(&format!("acme__{other}__")), "{name}: {offered}");
        }
        let record = home.last_record();
        assert_eq!((&record["tool"], &record["caller"]), (&json!(own), &json!(format!("agent:{name}"))));
    }
}
