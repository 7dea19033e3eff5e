//! SKILL.md: what is accepted shows all that it holds, and means the same written in the plainest YAML.

use std::fmt::Write as _;

use openclaw_package::SkillMd;

use super::{hides, text, told};

/// A SKILL.md is read the same when its front matter is written with every text in quotes.
pub fn skill_md(data: &[u8]) {
    let skill = match SkillMd::from_bytes(data) {
        Ok(skill) => skill,
        Err(error) => return told(&error, error.code(), error.hint()),
    };
    let text = text(data).expect("it was read as text");
    assert!(text.starts_with("---") && text.ends_with(skill.body()));
    let optional = [skill.license(), skill.compatibility(), skill.allowed_tools()];
    let metadata = skill.metadata().iter().flat_map(|(key, value)| [key.as_str(), value]);
    for shown in [skill.description()].into_iter().chain(optional.into_iter().flatten()).chain(metadata) {
        assert!(!shown.chars().any(|character| character != '\n' && hides(character)), "{shown:?}");
    }
    assert!((1..=1024).contains(&skill.description().chars().count()));
    let again = written(&skill);
    assert_eq!(SkillMd::parse(&again).as_ref(), Ok(&skill), "{again}");
}

fn written(skill: &SkillMd) -> String {
    let mut text = format!("---\nname: {}\ndescription: {}\n", skill.name(), quoted(skill.description()));
    let optional = [
        ("license", skill.license()),
        ("compatibility", skill.compatibility()),
        ("allowed-tools", skill.allowed_tools()),
    ];
    for (field, value) in optional {
        text.extend(value.map(|value| format!("{field}: {}\n", quoted(value))));
    }
    if !skill.metadata().is_empty() {
        text += "metadata:\n";
        text.extend(
            skill
                .metadata()
                .iter()
                .map(|(key, value)| format!("  ? {}\n  : {}\n", quoted(key), quoted(value))),
        );
    }
    text + "---\n" + skill.body()
}

/// A double-quoted text of YAML, in ASCII.
fn quoted(text: &str) -> String {
    let mut out = "\"".to_owned();
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            ' '..='~' => out.push(character),
            // Writing to a text does not fail.
            _ => _ = write!(out, "\\U{:08x}", u32::from(character)),
        }
    }
    out + "\""
}
