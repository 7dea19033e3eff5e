//! SKILL.md: six fields, and a small part of YAML.

use openclaw_package::SkillMd;

const LEAST: &str = "---\nname: hello\ndescription: Greets.\n";

fn code(front: &str) -> &'static str {
    SkillMd::parse(&format!("{LEAST}{front}\n---\nbody\n")).expect_err(front).code()
}

#[test]
fn all_six_fields() {
    let skill = SkillMd::parse(
        "---\r\nname: hello\r\ndescription: >-\r\n  Greets people,\r\n  politely.\r\nlicense: MIT\r\n\
         compatibility: \"Needs nothing: at all\"\r\nmetadata:\r\n  author: acme\r\n  version: 1.0\r\n\
         allowed-tools: Read Bash(git:*)\r\n---\r\n# Hello\r\n",
    )
    .unwrap();
    assert_eq!(skill.name().as_str(), "hello");
    assert_eq!(skill.description(), "Greets people, politely.");
    assert_eq!(skill.license(), Some("MIT"));
    assert_eq!(skill.compatibility(), Some("Needs nothing: at all"));
    assert_eq!(skill.metadata()["version"], "1.0");
    assert_eq!(skill.allowed_tools(), Some("Read Bash(git:*)"));
    assert_eq!(skill.body(), "# Hello\r\n");
}

#[test]
fn the_least_that_must_stand_in_it() {
    let skill = SkillMd::parse(&format!("{LEAST}# a comment\n---")).unwrap();
    assert_eq!((skill.description(), skill.body()), ("Greets.", ""));
    assert!(skill.metadata().is_empty() && skill.license().is_none());
    assert!(SkillMd::parse(&format!("{LEAST}metadata:\n---\n")).unwrap().metadata().is_empty());
}

#[test]
fn front_matter_must_be_there() {
    for text in
        ["", "# Hello", "name: x", "---\nname: x\n", " ---\nname: x\n---\n", "\u{feff}---\nname: x\n---\n"]
    {
        assert_eq!(SkillMd::parse(text).unwrap_err().code(), "invalid-skill-md", "{text:?}");
    }
    assert_eq!(SkillMd::parse("---\n---\n").unwrap_err().code(), "invalid-skill-md");
    assert_eq!(SkillMd::parse("---\nname: hello\n---\n").unwrap_err().code(), "missing-field");
    assert_eq!(SkillMd::parse(&"x".repeat(300 << 10)).unwrap_err().code(), "skill-md-too-large");
    assert_eq!(SkillMd::from_bytes(b"---\nname: \xff").unwrap_err().code(), "invalid-skill-md");
}

#[test]
fn what_is_not_needed_is_refused() {
    for (front, expected) in [
        ("author: me", "unknown-field"),
        ("Name: hello", "unknown-field"),
        ("name: again", "duplicate-field"),
        ("metadata: {a: 1, a: 2}", "duplicate-field"),
        ("metadata: &anchor {a: 1}", "invalid-skill-md"),
        ("metadata: {a: &x y, b: *x}", "invalid-skill-md"),
        ("license: !!str MIT", "invalid-skill-md"),
        ("license: [MIT]", "invalid-skill-md"),
        ("license: {a: b}", "invalid-skill-md"),
        ("metadata: text", "invalid-skill-md"),
        ("metadata: {a: {b: c}}", "invalid-skill-md"),
        ("? {a: b}\n: c", "invalid-skill-md"),
        ("<<: *x", "invalid-skill-md"),
        ("...\nlicense: MIT", "invalid-skill-md"),
        ("license: \"open", "invalid-skill-md"),
        ("\tlicense: MIT", "invalid-skill-md"),
        ("license: \"a\\u202eb\"", "invalid-field"),
        ("metadata: {a: \"\\e[2J\"}", "invalid-field"),
        ("compatibility: \"\"", "invalid-field"),
    ] {
        assert_eq!(code(front), expected, "{front}");
    }
    let long = LEAST.replace("Greets.", &"x".repeat(1025));
    assert_eq!(SkillMd::parse(&format!("{long}---\n")).unwrap_err().code(), "invalid-field");
    let name = LEAST.replace("name: hello", "name: Hello");
    assert_eq!(SkillMd::parse(&format!("{name}---\n")).unwrap_err().code(), "invalid-name");
}

#[test]
fn a_mistake_is_told_with_its_line() {
    let error = SkillMd::parse(&format!("{LEAST}licence: MIT\n---\n")).unwrap_err();
    insta::assert_snapshot!(error, @r#"SKILL.md:4: unknown field "licence""#);
    assert_eq!(error.hint().unwrap(), "did you mean license?");
    let error = SkillMd::parse(&format!("{LEAST}metadata: &a {{}}\n---\n")).unwrap_err();
    insta::assert_snapshot!(error, @"SKILL.md:4: an anchor cannot stand in the front matter");
}
