//! The first steps in each language: from a new project to a call of the installed skill.

use openclaw_tests::Home;
use serde_json::json;

#[test]
fn the_first_steps_work_in_typescript() {
    first_steps("typescript", "src/index.ts");
}

#[test]
fn the_first_steps_work_in_javascript() {
    first_steps("javascript", "src/index.js");
}

#[test]
fn the_first_steps_work_in_python() {
    first_steps("python", "src/skill.py");
}

fn first_steps(language: &str, source: &str) {
    let home = Home::new();
    let began = home.run(["skill", "new", "hello", "--lang", language, "--publisher", "acme"]).json();
    let files = began["files"].as_array().unwrap();
    for file in ["SKILL.md", "openclaw/skill.toml", source] {
        assert!(files.contains(&json!(file)), "{began}");
    }
    let tested = home.run(["skill", "test", "hello"]).json();
    assert_eq!((&tested["native_tests"], &tested["tools"]), (&json!(true), &json!(["greet"])));
    let greeted = home.run(["skill", "run", "hello", "greet", r#"{"name":"Ada"}"#]).json();
    assert_eq!(greeted["output"], json!({ "text": "Hello, Ada!" }));
    assert_eq!(greeted["log"][0]["message"], "greeting Ada", "{greeted}");
    let refused = home.run(["skill", "run", "hello", "greet", r#"{"name":" "}"#]).refused("invalid-input");
    assert!(refused.message.contains("`name` is empty"), "{refused:?}");

    // What is built is not built again, and what was changed is.
    let component = home.workspace().join("hello/openclaw/skill.wasm");
    let built = std::fs::metadata(&component).unwrap().modified().unwrap();
    home.run(["skill", "run", "hello", "greet", r#"{"name":"Ada"}"#]).json();
    assert_eq!(std::fs::metadata(&component).unwrap().modified().unwrap(), built);
    let path = home.workspace().join("hello").join(source);
    let text = std::fs::read_to_string(&path).unwrap().replace("Hello, ", "Good day, ");
    std::fs::write(&path, text).unwrap();
    let greeted = home.run(["skill", "run", "hello", "greet", r#"{"name":"Ada"}"#]).json();
    assert_eq!(greeted["output"], json!({ "text": "Good day, Ada!" }));

    // A fault in the code is told with its place.
    let broken = format!("{}\n)\n", std::fs::read_to_string(&path).unwrap());
    let whole = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, broken).unwrap();
    let failed = home.run(["skill", "build", "hello"]).refused("build-failed");
    assert!(failed.message.contains(source), "{failed:?}");
    std::fs::write(&path, whole).unwrap();

    home.run(["skill", "pack", "hello", "--output", "hello.tar.gz"]).json();
    home.install_archive(&home.workspace().join("hello.tar.gz")).json();
    let called = home.call("hello/greet", &json!({ "name": "Ada" })).output();
    assert_eq!(called, json!({ "text": "Good day, Ada!" }));
    let inspected = home.run(["skill", "inspect", "hello"]).json();
    assert_eq!(inspected["permissions"], json!([]));
}

#[test]
fn a_manifest_that_names_another_language_is_refused_with_the_line_to_write() {
    let home = Home::new();
    home.run(["skill", "new", "hello", "--lang", "python", "--publisher", "acme"]).json();
    let manifest = home.workspace().join("hello/openclaw/skill.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("language = \"python\"\n", "")).unwrap();
    let refused = home.run(["skill", "build", "hello"]).refused("wrong-language");
    assert!(refused.message.contains("a skill in rust, and the project is one in python"), "{refused:?}");
    assert!(refused.hint().contains("language = \"python\""), "{refused:?}");
    std::fs::write(&manifest, text.replace("\"python\"", "\"cobol\"")).unwrap();
    let unknown = home.run(["skill", "build", "hello"]).refused("invalid-value");
    assert!(unknown.message.contains("rust, typescript, javascript and python"), "{unknown:?}");
    home.run(["skill", "new", "other", "--lang", "cobol", "--publisher", "acme"]).refused("usage");
}

#[test]
fn a_package_json_with_a_claw_section_becomes_a_manifest_and_a_list_of_decisions() {
    let home = Home::new();
    let dir = home.workspace().join("old");
    std::fs::create_dir(&dir).unwrap();
    let package = dir.join("package.json");
    let from = ["skill", "new", "--publisher", "acme", "--from", package.to_str().unwrap()];
    std::fs::write(&package, r#"{ "name": "old-skill" }"#).unwrap();
    home.run(from).refused("invalid-package");
    let text = r#"{ "name": "old-skill", "version": "1.4.0", "description": "Counts: words.", "claw": {
        "type": "skill", "permissions": ["filesystem:read", "filesystem:write", "process:execute"],
        "triggers": [{ "type": "command", "pattern": "count" }], "input_schema": { "type": "object" } } }"#;
    std::fs::write(&package, text).unwrap();
    let began = home.run(from).json();
    assert_eq!(
        (&began["skill"], &began["files"]),
        (&json!("acme/old-skill"), &json!(["SKILL.md", "openclaw/skill.toml"]))
    );
    let decide = began["decide"].to_string();
    for word in ["filesystem:write", "process:execute", "input_schema", "@openclaw/skill"] {
        assert!(decide.contains(word), "{word}: {decide}");
    }
    let inspected = home.run(["skill", "inspect", dir.to_str().unwrap()]).json();
    assert_eq!(inspected["version"], "1.4.0", "{inspected}");
    assert!(inspected["permissions"].to_string().contains("$workspace"), "{inspected}");
    home.run(from).refused("directory-occupied");
    let told =
        home.plain(["skill", "new", "other", "--from", package.to_str().unwrap(), "--publisher", "acme"]);
    assert!(told.stderr.contains("is there already"), "{told}");
}
