//! A home with the skill, and a repository with a remote beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use openclaw_tests::{Home, component, home};
use serde_json::Value;

/// The skill.
pub const NAME: &str = "git-helper";

/// A home with the skill installed, and everything granted that it asks for.
pub fn home_with_skill() -> Home {
    let home = Home::new();
    let source = component::repository().join("example-skills").join(NAME);
    let project = home.path(NAME);
    fs::create_dir_all(project.join("openclaw")).unwrap();
    for file in ["SKILL.md", "openclaw/skill.toml"] {
        fs::copy(source.join(file), project.join(file)).unwrap();
    }
    fs::write(project.join("openclaw/skill.wasm"), component::rust(NAME)).unwrap();
    let archive = home.path("git-helper.tar.gz");
    home.run(["skill", "pack", project.to_str().unwrap(), "--output", archive.to_str().unwrap()]).json();
    home.install_archive(&archive).json();
    home
}

pub fn call(home: &Home, tool: &str, input: &Value) -> Value {
    home.call(&format!("{NAME}/{tool}"), input).output()
}

/// Why a tool did nothing.
pub fn failure(home: &Home, tool: &str, input: &Value) -> String {
    home.call(&format!("{NAME}/{tool}"), input).refused("tool-failed").message
}

/// A repository, beside the bare one that it was pushed to.
pub struct Repository<'h> {
    pub home: &'h Home,
    pub dir: PathBuf,
}

impl<'h> Repository<'h> {
    /// `work` and `remote.git` in a new directory, with one commit on the branch main.
    pub fn new(home: &'h Home, parent: &Path) -> Self {
        fs::create_dir_all(parent).unwrap();
        let repository = Self { home, dir: parent.join("work") };
        repository.git_in(parent, &["init", "--quiet", "--bare", "--initial-branch=main", "remote.git"]);
        repository.git_in(parent, &["init", "--quiet", "--initial-branch=main", "work"]);
        repository.identify();
        repository.write("README.md", "# Work\n");
        repository.git(&["add", "--all"]);
        repository.git(&["commit", "--quiet", "--message=First"]);
        repository.git(&["remote", "add", "origin", "../remote.git"]);
        repository.git(&["push", "--quiet", "--set-upstream", "origin", "main"]);
        repository
    }

    pub fn identify(&self) {
        self.git(&["config", "user.name", "Ada"]);
        self.git(&["config", "user.email", "ada@example.com"]);
    }

    pub fn parent(&self) -> &Path {
        self.dir.parent().unwrap()
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join(name)).unwrap()
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.dir, arguments)
    }

    pub fn git_in(&self, dir: &Path, arguments: &[&str]) -> String {
        git(self.home, dir, arguments).success()
    }

    /// Somebody else pushes a file to the remote.
    pub fn pushed_by_another(&self, name: &str, text: &str) {
        let other = self.parent().join("other");
        self.git_in(self.parent(), &["clone", "--quiet", "remote.git", "other"]);
        let other = Repository { home: self.home, dir: other };
        other.identify();
        other.write(name, text);
        other.git(&["add", "--all"]);
        other.git(&["commit", "--quiet", "--message=From another"]);
        other.git(&["push", "--quiet", "origin", "HEAD:main"]);
        fs::remove_dir_all(&other.dir).unwrap();
    }
}

/// git as its owner runs it, outside of any sandbox.
pub fn git(home: &Home, dir: &Path, arguments: &[&str]) -> openclaw_tests::Ran {
    let mut git = home.environment(Command::new("git"));
    git.args(arguments).current_dir(dir).env("GIT_TERMINAL_PROMPT", "0");
    home::finish(git, format!("git {}", arguments.join(" ")), None)
}
