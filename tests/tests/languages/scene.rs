//! Projects of the SDKs' own guests, and calls of what became of them.

use std::fs;
use std::path::{Path, PathBuf};

use openclaw_tests::{Home, component};

/// An SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sdk {
    TypeScript,
    Python,
}

impl Sdk {
    fn dir(self) -> &'static str {
        match self {
            Self::TypeScript => "skills-sdk/js",
            Self::Python => "skills-sdk/python",
        }
    }

    fn language(self) -> &'static str {
        match self {
            Self::TypeScript => "typescript",
            Self::Python => "python",
        }
    }
}

/// A home in which a guest is installed, with everything granted that it asks for.
pub fn with_guest(sdk: Sdk, guest: &str) -> Home {
    let home = Home::new();
    install(&home, &project(&home, sdk, guest));
    home
}

/// A project of a guest, below the home: as `skill new` would have begun it.
pub fn project(home: &Home, sdk: Sdk, guest: &str) -> PathBuf {
    let sources = component::repository().join(sdk.dir());
    let project = home.path(guest);
    copy(&sources.join("tests/guests").join(guest), &project);
    let manifest = project.join("openclaw/skill.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let named = format!("[skill]\nlanguage = \"{}\"\n", sdk.language());
    let text =
        text.replace("publisher = \"guests\"", "publisher = \"acme\"").replacen("[skill]\n", &named, 1);
    fs::write(&manifest, text).unwrap();
    match sdk {
        Sdk::TypeScript => {
            let text = format!("{{ \"name\": \"{guest}\", \"private\": true, \"type\": \"module\" }}\n");
            fs::write(project.join("package.json"), text).unwrap();
            fs::copy(sources.join("template/typescript/tsconfig.json"), project.join("tsconfig.json"))
                .unwrap();
        }
        Sdk::Python => {
            fs::copy(sources.join("template/pyproject.toml"), project.join("pyproject.toml")).unwrap();
        }
    }
    project
}

/// The same under another name: what is built of it is another skill.
pub fn project_as(home: &Home, sdk: Sdk, guest: &str, name: &str) -> PathBuf {
    let (made, project) = (project(home, sdk, guest), home.path(name));
    copy(&made, &project);
    for (file, was, is) in [
        ("openclaw/skill.toml", format!("name = \"{guest}\""), format!("name = \"{name}\"")),
        ("SKILL.md", format!("name: {guest}"), format!("name: {name}")),
    ] {
        let path = project.join(file);
        let text = fs::read_to_string(&path).unwrap().replace(&was, &is);
        fs::write(&path, text).unwrap();
    }
    project
}

/// Builds, packs and installs a project.
pub fn install(home: &Home, project: &Path) {
    let dir = project.to_str().unwrap();
    home.run(["skill", "build", dir]).json();
    let archive = project.with_extension("tar.gz");
    home.run(["skill", "pack", dir, "--output", archive.to_str().unwrap()]).json();
    home.install_archive(&archive).json();
}

/// Copies a directory, but nothing that was made or fetched in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let made = ["node_modules", "target", "__pycache__", "dist", ".openclaw", ".pytest_cache"];
        if made.iter().any(|made| entry.file_name() == *made) {
            continue;
        }
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
