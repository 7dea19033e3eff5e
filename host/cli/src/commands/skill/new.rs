//! `openclaw skill new`: a project that builds, tests and runs as it is.

mod claw;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use openclaw_package::manifest::Language;
use openclaw_package::{ByteSize, PublisherName, SkillId, SkillName};
use openclaw_runtime::sandbox::Limits;
use tempfile::TempDir;

use claw::{Converted, Package};

use crate::cli::SkillNew;
use crate::describe::grouped;
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::json::NewSkill;
use crate::keys;
use crate::output::{Output, good};
use crate::project::{CARGO_CONFIG, MANIFEST, NPM_SDK_LINK, SDK_LINK, cargo_config, link};
use crate::sdk::{self, Sdk};

/// The files of every project; names in double braces are filled in.
const COMMON: [(&str, &str); 2] = [
    ("SKILL.md", include_str!("../../../templates/SKILL.md.in")),
    (MANIFEST, include_str!("../../../templates/openclaw/skill.toml.in")),
];

/// Those of a project in Rust. Those in other languages stand with the language's SDK.
const RUST: [(&str, &str); 3] = [
    (".gitignore", include_str!("../../../templates/rust/gitignore.in")),
    ("Cargo.toml", include_str!("../../../templates/rust/Cargo.toml.in")),
    ("src/lib.rs", include_str!("../../../templates/rust/src/lib.rs.in")),
];

/// What cargo takes for no name of a package, or the compiler for no name of a library.
const NO_CRATE_NAMES: [&str; 60] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "openclaw-skill",
    "override",
    "priv",
    "pub",
    "ref",
    "return",
    "self",
    "serde",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "while",
    "yield",
];

/// Types that the template uses beside the skill's own.
const TAKEN_TYPES: [&str; 6] = ["Context", "Error", "Greeted", "Greeting", "Result", "Self"];

/// Writes the project: whole, or not at all.
pub(crate) fn run(arguments: SkillNew, environment: &Environment, output: &Output) -> Result<()> {
    let publisher = publisher(arguments.publisher, environment)?;
    if let Some(package) = &arguments.from {
        return from(package, publisher, arguments.name, output);
    }
    let name = arguments.name.ok_or_else(|| CliError::usage("a name is missing"))?;
    let skill = SkillId::new(publisher, name);
    let here = std::env::current_dir().map_err(CliError::at(Path::new(".")))?;
    let dir = here.join(skill.name().as_str());
    refuse_occupied(&dir)?;
    let sdk = Sdk::unpack(environment)?;

    let staging = TempDir::with_prefix_in(".openclaw-new-", &here).map_err(CliError::at(&here))?;
    let mut files = Vec::new();
    for (name, template) in templates(arguments.lang, &sdk)? {
        write(staging.path(), &name, &filled(&template, &skill, arguments.lang))?;
        files.push(name);
    }
    if arguments.lang == Language::Rust {
        write(staging.path(), CARGO_CONFIG, &cargo_config())?;
        link(&staging.path().join(SDK_LINK), sdk.root())?;
        files.push(CARGO_CONFIG.to_owned());
    }
    files.sort();
    put(staging, &dir)?;
    tell(&NewSkill { skill, dir, files, decide: Vec::new() }, output)
}

/// Writes the manifest that follows from a package.json, beside it.
fn from(package: &Path, publisher: PublisherName, name: Option<SkillName>, output: &Output) -> Result<()> {
    let read = Package::read(package)?;
    let name = name.or_else(|| read.skill_name()).ok_or_else(|| {
        CliError::usage("the package's name is none that a skill can have")
            .hint("openclaw skill new <name> --from package.json")
    })?;
    let skill = SkillId::new(publisher, name);
    let file = package.canonicalize().map_err(CliError::at(package))?;
    let dir = file.parent().unwrap_or(Path::new("/")).to_owned();
    // A link that leads nowhere is there, too.
    if dir.join(MANIFEST).symlink_metadata().is_ok() {
        let message = format!("{} is there already", dir.join(MANIFEST).display());
        return Err(
            CliError::new(Exit::Refused, "directory-occupied", message).hint("move it away, or edit it")
        );
    }
    let language =
        if dir.join("tsconfig.json").is_file() { Language::TypeScript } else { Language::JavaScript };
    let Converted { manifest, mut decide } = read.convert(&skill, language);
    let mut files = vec![MANIFEST.to_owned()];
    write(&dir, MANIFEST, &manifest)?;
    if dir.join("SKILL.md").symlink_metadata().is_err() {
        let description = read.description().unwrap_or_else(|| {
            decide.push("the description in SKILL.md: say what the skill does and when to use it".to_owned());
            title(skill.name())
        });
        let text = format!(
            "---\nname: {}\ndescription: {}\n---\n\n# {}\n",
            skill.name(),
            serde_json::Value::from(description),
            title(skill.name())
        );
        write(&dir, "SKILL.md", &text)?;
        files.push("SKILL.md".to_owned());
    }
    decide.push(format!(
        "the code: depend on \"@openclaw/skill\": \"file:{NPM_SDK_LINK}\" in package.json, and export skill({{ tools }}) from {}",
        if language == Language::TypeScript { "src/index.ts" } else { "src/index.js" }
    ));
    files.sort();
    tell(&NewSkill { skill, dir, files, decide }, output)
}

/// The files of a project in a language.
fn templates(language: Language, sdk: &Sdk) -> Result<Vec<(String, String)>> {
    let carried = |(name, text): (&str, &str)| (name.to_owned(), text.to_owned());
    let mut templates: Vec<_> = COMMON.map(carried).into();
    let dir = match language {
        Language::TypeScript => "skills-sdk/js/template/typescript",
        Language::JavaScript => "skills-sdk/js/template/javascript",
        Language::Python => "skills-sdk/python/template",
        _ => {
            templates.extend(RUST.map(carried));
            return Ok(templates);
        }
    };
    let root = sdk.root().join(dir);
    collect(&root, &root, &mut templates)?;
    Ok(templates)
}

fn collect(root: &Path, dir: &Path, templates: &mut Vec<(String, String)>) -> Result<()> {
    for entry in fs::read_dir(dir).map_err(CliError::at(dir))? {
        let path = entry.map_err(CliError::at(dir))?.path();
        if path.is_dir() {
            collect(root, &path, templates)?;
            continue;
        }
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        templates.push((name, fs::read_to_string(&path).map_err(CliError::at(&path))?));
    }
    Ok(())
}

fn tell(new: &NewSkill, output: &Output) -> Result<()> {
    if output.is_json() {
        return output.document(new);
    }
    let name = new.skill.name();
    output.line(format_args!("{} {} in {}", good("began"), new.skill, new.dir.display()));
    output.note("");
    if !new.decide.is_empty() {
        output.note("You have to decide:");
        for line in &new.decide {
            output.note(format_args!("  - {line}"));
        }
        return Ok(());
    }
    output.note("It greets, and asks for no permission. Next:");
    output.note(format_args!("  cd {name}"));
    output.note("  openclaw skill test");
    output.note("  openclaw skill run . greet '{\"name\":\"Ada\"}'");
    Ok(())
}

/// The given publisher, or that of the only key.
fn publisher(given: Option<PublisherName>, environment: &Environment) -> Result<PublisherName> {
    if let Some(given) = given {
        return Ok(given);
    }
    let publishers = keys::publishers(&environment.data_dir()?)?;
    match publishers.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(CliError::new(
            Exit::NotFound,
            "no-key",
            "you have no key, so it is not known who publishes the skill",
        )
        .hint("openclaw key new <publisher>, or name one with --publisher")),
        several => {
            let names = several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            Err(CliError::usage(format!("you have keys of several publishers: {names}"))
                .hint("say whose skill it is with --publisher"))
        }
    }
}

fn refuse_occupied(dir: &Path) -> Result<()> {
    let occupied = |what: &str| {
        let message = format!("{} {what}", dir.display());
        CliError::new(Exit::Refused, "directory-occupied", message)
            .hint("choose another name, or move it away")
    };
    match fs::read_dir(dir) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(occupied("exists and is not empty")),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            Err(occupied("exists and is not a directory"))
        }
        Err(error) => Err(CliError::io(dir, &error)),
    }
}

/// Moves the project into place; an empty directory there gives way, any other does not.
fn put(staging: TempDir, dir: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    // A temporary directory is for its owner alone; a project is not.
    fs::set_permissions(staging.path(), fs::Permissions::from_mode(0o755)).map_err(CliError::at(dir))?;
    fs::rename(staging.path(), dir).map_err(CliError::at(dir))?;
    // There is nothing left at its old place to remove.
    let _: PathBuf = staging.keep();
    Ok(())
}

fn write(root: &Path, name: &str, text: &str) -> Result<()> {
    let path = root.join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(CliError::at(parent))?;
    }
    fs::write(&path, text).map_err(CliError::at(&path))
}

fn filled(template: &str, skill: &SkillId, language: Language) -> String {
    let named = match language {
        Language::Rust => String::new(),
        language => format!("language = \"{language}\"\n"),
    };
    let limits = Limits::of(language);
    let sdk = if language == Language::Rust { sdk::VERSION } else { NPM_SDK_LINK };
    template
        .replace("{{language}}\n", &named)
        .replace("{{fuel}}", &grouped(limits.fuel).replace(' ', "_"))
        .replace("{{memory}}", &ByteSize::new(limits.memory_bytes).to_string())
        .replace("{{publisher}}", skill.publisher().as_str())
        .replace("{{name}}", skill.name().as_str())
        .replace("{{crate}}", &crate_name(skill.name()))
        .replace("{{type}}", &type_name(skill.name()))
        .replace("{{title}}", &title(skill.name()))
        .replace("{{sdk}}", sdk)
}

/// The skill's name, where it can be that of a crate.
fn crate_name(skill: &SkillName) -> String {
    let name = skill.as_str();
    let starts_with_digit = name.starts_with(|c: char| c.is_ascii_digit());
    if starts_with_digit || NO_CRATE_NAMES.contains(&name) {
        format!("skill-{name}")
    } else {
        name.to_owned()
    }
}

/// The skill's name in camel case, where it can be that of a type.
fn type_name(skill: &SkillName) -> String {
    let name: String = skill.as_str().split('-').map(capitalised).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) || TAKEN_TYPES.contains(&name.as_str()) {
        format!("Skill{name}")
    } else {
        name
    }
}

/// The skill's name as a heading.
fn title(skill: &SkillName) -> String {
    capitalised(&skill.as_str().replace('-', " "))
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use openclaw_package::Manifest;

    use super::*;

    fn names(skill: &str) -> (String, String) {
        let skill = skill.parse().unwrap();
        (crate_name(&skill), type_name(&skill))
    }

    #[test]
    fn any_name_of_a_skill_gives_names_that_compile() {
        assert_eq!(names("git-helper"), ("git-helper".into(), "GitHelper".into()));
        assert_eq!(names("2fa"), ("skill-2fa".into(), "Skill2fa".into()));
        assert_eq!(names("self"), ("skill-self".into(), "SkillSelf".into()));
        assert_eq!(names("context"), ("context".into(), "SkillContext".into()));
    }

    #[test]
    fn no_placeholder_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let sdk = Sdk::unpack(&Environment::at(dir.path())).unwrap();
        for language in Language::ALL {
            for (name, template) in templates(language, &sdk).unwrap() {
                let filled = filled(&template, &"acme/git-helper".parse().unwrap(), language);
                assert!(!filled.contains("{{") && !filled.is_empty(), "{language}: {name}: {filled}");
                if name == MANIFEST {
                    assert_eq!(Manifest::parse(&filled).unwrap().language(), language);
                }
            }
        }
    }

    #[test]
    fn an_empty_directory_gives_way_and_any_other_does_not() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("hello");
        refuse_occupied(&dir).unwrap();
        fs::create_dir(&dir).unwrap();
        refuse_occupied(&dir).unwrap();
        fs::write(dir.join("mine"), "").unwrap();
        assert_eq!(refuse_occupied(&dir).unwrap_err().code, "directory-occupied");
        put(TempDir::new_in(parent.path()).unwrap(), &dir).unwrap_err();
        assert!(dir.join("mine").is_file());
    }
}
