//! Runs git in one repository, and keeps what it says beside its answers.

use std::cell::RefCell;
use std::path::{Component, Path};

use openclaw_skill::process::{Output, Process};
use openclaw_skill::{Error, Result};

/// Warnings of one call.
const WARNINGS: usize = 20;
/// Characters of a warning.
const WARNING: usize = 300;

/// What the shell is to run on the other side of a fetch, whatever the repositories' settings are.
const UPLOAD_PACK: &str =
    "--upload-pack=git -c core.hooksPath=/dev/null -c 'core.alternateRefsCommand=true #' upload-pack";
/// The same for a push.
const RECEIVE_PACK: &str = "--receive-pack=git -c core.hooksPath=/dev/null -c 'core.alternateRefsCommand=true #' \
                            -c receive.denyCurrentBranch=refuse -c receive.autogc=false receive-pack";

/// Who makes a commit.
pub struct Author<'a> {
    pub name: &'a str,
    pub email: &'a str,
}

/// git, in one directory. Each function is a shape of the manifest.
pub struct Git<'c> {
    process: Process<'c>,
    directory: String,
    warnings: RefCell<Vec<String>>,
}

impl<'c> Git<'c> {
    /// git in a directory of the workspace, or in the workspace itself.
    pub fn new(process: Process<'c>, workspace: &Path, repository: Option<&str>) -> Result<Self> {
        let relative = Path::new(repository.unwrap_or_default());
        if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
            let reason = "a path inside the workspace, such as `libs/parser`";
            return Err(Error::invalid_input(format!("`repository` is not {reason}")));
        }
        // Put together of its parts, it ends without a slash.
        let directory: std::path::PathBuf = workspace.components().chain(relative.components()).collect();
        if !directory.join(".git").exists() {
            let advice = "give `repository`, the path from the workspace to the directory with `.git`";
            return Err(Error::failed(format!(
                "there is no repository at {}: {advice}",
                directory.display()
            )));
        }
        let directory = directory.to_string_lossy().into_owned();
        Ok(Self { process, directory, warnings: RefCell::default() })
    }

    /// Where it works.
    pub fn directory(&self) -> &Path {
        Path::new(&self.directory)
    }

    /// What git said that was no answer, and what was held back of what it made.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.take()
    }

    /// What is to be said as well.
    pub fn warn(&self, text: &str) {
        let mut warnings = self.warnings.borrow_mut();
        let text: String = text.trim().chars().take(WARNING).collect();
        if warnings.len() < WARNINGS && !text.is_empty() && !warnings.contains(&text) {
            warnings.push(text);
        }
    }

    pub fn status(&self) -> Result<Vec<u8>> {
        let shown =
            ["--untracked-files=all", "--find-renames", "--ahead-behind", "--ignore-submodules=dirty"];
        self.read(["status", "--porcelain=v2", "--branch", "-z"].into_iter().chain(shown))
    }

    /// What is staged, or what was changed over a range of commits.
    pub fn diff(&self, range: Option<&str>) -> Result<Vec<u8>> {
        let which = if range.is_some() { &["diff"][..] } else { &["diff", "--cached"] };
        let shown = ["--raw", "--numstat", "-z", "--find-renames"];
        let plain = ["--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty"];
        self.read(which.iter().copied().chain(shown).chain(plain).chain(range).chain(["--"]))
    }

    /// The beginning of what is staged, in lines, of at most so many bytes.
    pub fn patch(&self, most: usize) -> Result<String> {
        let plain = ["--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty", "--"];
        let command = ["diff", "--cached", "--no-color", "--find-renames"].into_iter().chain(plain);
        // One that is ended for writing too much has written enough.
        let mut patch = self.run(command, &[])?.stdout;
        patch.truncate(most);
        Ok(String::from_utf8_lossy(&patch).into_owned())
    }

    /// The last commits of a range, the newest first: at most so many, and at most 200.
    pub fn log(&self, most: u8, range: &str) -> Result<Vec<u8>> {
        let most = most.to_string();
        let plain = ["log", "-z", "--no-color", "--no-show-signature", "-n", &most];
        self.read(plain.into_iter().chain(["--format=%H%x1f%s%x1f%cI%x1f%b", range, "--"]))
    }

    pub fn branches(&self) -> Result<Vec<u8>> {
        const FORMAT: &str = "--format=%(refname)%00%(objectname)%00%(HEAD)%00%(worktreepath)%00%(upstream)%00\
                              %(upstream:remotename)%00%(upstream:remoteref)";
        self.read(["for-each-ref", FORMAT, "refs/heads"])
    }

    pub fn merged_into(&self, base: &str) -> Result<Vec<u8>> {
        self.read(["for-each-ref", "--format=%(refname)", "--merged", base, "refs/heads"])
    }

    /// The commit of that name, if there is one.
    pub fn commit_of(&self, name: &str) -> Result<Option<String>> {
        let output = self.run(["rev-parse", "--verify", "--quiet", name], &[])?;
        let commit = output.stdout_text().trim().to_owned();
        Ok(output.success().then_some(commit))
    }

    /// The filter of each of these paths.
    pub fn filters(&self, paths: &[&str]) -> Result<Vec<u8>> {
        let input: String = paths.iter().flat_map(|path| [*path, "\0"]).collect();
        let output = self.run(["check-attr", "-z", "--stdin", "filter"], input.as_bytes())?;
        Ok(output.checked()?.stdout)
    }

    /// The names of all settings of the repository's own.
    pub fn settings(&self) -> Result<Vec<u8>> {
        let output =
            self.run(["config", "--local", "--includes", "--null", "--name-only", "--get-regexp", "."], &[])?;
        Ok(output.stdout)
    }

    /// Stages these paths, or all that was changed.
    pub fn add(&self, paths: &[String]) -> Result<()> {
        let command = ["add", "--all", "--"].into_iter().chain(paths.iter().map(String::as_str));
        self.write(command)
    }

    pub fn commit(&self, message: &str, author: Option<Author<'_>>) -> Result<()> {
        let plain = ["--quiet", "--no-gpg-sign", "--no-verify", "--cleanup=whitespace", "--file=-"];
        let mut command = self.process.command("git").arg("commit").args(plain).input(message);
        if let Some(Author { name, email }) = author {
            for who in ["AUTHOR", "COMMITTER"] {
                command = command.env(format!("GIT_{who}_NAME"), name).env(format!("GIT_{who}_EMAIL"), email);
            }
        }
        let output = command.current_dir(&self.directory).run()?;
        self.keep_warnings(&output);
        if output.stderr_text().contains("tell me who you are")
            || output.stderr_text().contains("empty ident")
        {
            let advice =
                "give `author` with name and email, or set user.name and user.email in the repository";
            return Err(Error::failed(format!("git does not know who makes the commit: {advice}")));
        }
        self.done(output)
    }

    /// Makes a branch at a commit, and goes to it.
    pub fn switch_to_new(&self, name: &str, start: &str) -> Result<()> {
        self.write(["switch", "--quiet", "--no-track", "--no-guess", "--create", name, start])
    }

    /// Brings the current branch forward to a commit that comes after it.
    pub fn fast_forward(&self, to: &str) -> Result<()> {
        self.write(["merge", "--quiet", "--ff-only", "--no-autostash", "--no-verify-signatures", to])
    }

    /// Removes a reference, if it still is at that commit.
    pub fn remove_reference(&self, name: &str, commit: &str) -> Result<()> {
        self.write(["update-ref", "-d", name, commit])
    }

    /// Fetches one reference, and with it the one that follows it here.
    ///
    /// Without a reference, a remote's name may stand for several remotes, each with a command of its own.
    pub fn fetch(&self, remote: &str, reference: &str) -> Result<()> {
        self.write(["fetch", "--quiet", "--no-auto-maintenance", UPLOAD_PACK, remote, reference])
    }

    pub fn push(&self, remote: &str, references: &str) -> Result<()> {
        self.write(["push", "--quiet", "--no-verify", "--no-signed", RECEIVE_PACK, remote, references])
    }

    fn read<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<Vec<u8>> {
        Ok(self.run(arguments, &[])?.checked()?.stdout)
    }

    fn write<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<()> {
        let output = self.run(arguments, &[])?;
        self.done(output)
    }

    fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>, input: &[u8]) -> Result<Output> {
        let command = self.process.command("git").args(arguments).current_dir(&self.directory);
        let output = command.input(input).run()?;
        self.keep_warnings(&output);
        Ok(output)
    }

    fn keep_warnings(&self, output: &Output) {
        for path in &output.held_back {
            self.warn(&format!("{path} is a file that other programs obey: it was renamed to *.held-back"));
        }
        if output.success() {
            output.stderr_text().lines().for_each(|line| self.warn(line));
        }
    }

    /// A command that changes something fails with all that it left.
    fn done(&self, output: Output) -> Result<()> {
        let held_back = output.held_back.join(", ");
        output.checked().map(drop).map_err(|error| match held_back.as_str() {
            "" => error,
            paths => Error::failed(format!("{error}\nheld back, renamed to *.held-back: {paths}")),
        })
    }
}
